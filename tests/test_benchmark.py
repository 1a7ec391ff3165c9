"""The benchmark's table against hand-made figures, and one model through all of it."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import benchmark
from benchmarking import bars, others, show
from benchmarking.figures import BASELINE, OURS, SILICON, Figures
from benchmarking.measure import CORES, MODELS

MINE = Figures(
    "cortex-m4",
    "ad",
    OURS,
    "edgecompress",
    macs=1000,
    instructions=700,
    cycles=900,
    code=500,
    weights=106,
    parameters=100,
)
THEIRS = replace(MINE, origin=BASELINE, engine="other", instructions=1000, cycles=1000)
M33 = replace(MINE, core="cortex-m33", cycles=990)
ON_SILICON = replace(MINE, origin=SILICON, engine="closed", instructions=None, cycles=450, code=None)


def only(verdicts):
    (verdict,) = verdicts
    return verdict


@pytest.mark.parametrize(
    ("must", "aim", "reached"), [(800, 600, "missed"), (900, 800, "must"), (1000, 900, "aim"), (899, None, "missed")]
)
def test_bar_is_an_upper_limit_that_may_be_reached_exactly(must, aim, reached):
    bar = {"metric": "cycles", "cores": ["cortex-m4"], "must": {"ad": must}, "aim": {"all": aim} if aim else {}}
    verdict = only(bars.judge([bar], [MINE]))
    assert verdict.reached == reached
    assert verdict.over == pytest.approx(900 / must - 1)


@pytest.mark.parametrize(
    ("metric", "of", "found"), [("instructions", "baseline", 0.7), ("weights", "parameters", 1.06), ("cycles", "", 900)]
)
def test_bar_may_be_a_factor_of_another_figure(metric, of, found):
    bar = {"metric": metric, "of": of, "cores": ["cortex-m4"], "must": {"all": 1}}
    assert only(bars.judge([bar], [MINE, THEIRS])).found == pytest.approx(found)


def test_bar_may_compare_cores():
    bar = {"metric": "cycles", "of": "cortex-m4", "cores": ["cortex-m33"], "must": {"all": 1.0}}
    assert only(bars.judge([bar], [MINE, M33])).found == pytest.approx(1.1)


def test_bar_without_its_baseline_is_not_judged():
    bar = {"metric": "instructions", "of": "baseline", "cores": ["cortex-m4"], "must": {"all": 1}}
    assert bars.judge([bar], [MINE]) == []


def test_shipped_bars_name_metrics_cores_and_models_that_exist():
    for bar in bars.read(bars.DEFAULT):
        assert hasattr(MINE, bar["metric"])
        assert set(bar["cores"]) <= set(CORES)
        assert set(bar["must"]) | set(bar.get("aim", {})) <= {*MODELS, "all"}
        assert bar.get("of", "baseline") in ("baseline", "parameters", *CORES)


def test_modelled_cycles_are_never_divided_by_measured_ones():
    rows = show.lines([MINE, THEIRS, ON_SILICON])
    assert [row[2].strip() for row in rows] == ["edgecompress", "other", "edgecompress / that", "closed"]
    assert rows[2][5] == "0.90 x"


def published_row(**change):
    row = {"submitter": "a", "system": "board", "mhz": 100, "cpu": "Arm® Cortex®-M4", "framework": "f", "round": "1.0"}
    return {**row, "ad": 2.0, "kws": None, **change}


def test_published_results_are_those_of_the_core_and_the_best_of_each_submitter():
    rows = [
        published_row(),
        published_row(ad=1.5, mhz=120),
        published_row(submitter="b", ad=1.0),
        published_row(submitter="c", cpu="ARM Cortex-M33", ad=0.1),
    ]
    found = others.published({"results": rows}, "cortex-m4", "ad", 1000)
    assert [(row.engine[0], row.cycles, row.milliseconds) for row in found] == [
        ("b", 100_000, 1.0),
        ("a", 180_000, 1.5),
    ]
    assert others.published({"results": rows}, "cortex-m3", "ad", 1000) == []
    assert others.published({"results": rows}, "cortex-m4", "kws", 1000) == []
    plus = [published_row(cpu="Arm Cortex-M0+")]
    assert len(others.published({"results": plus}, "cortex-m0plus", "ad", 1000)) == 1


@pytest.mark.slow
def test_one_command_measures_compares_and_agrees_with_the_yardstick(shared_data, yardstick, tmp_path):
    run = {"cpu": "cortex-m4", "kernels": "cmsis-nn", "flags": "default", "model": "ad", "macs": 264192}
    run |= {
        "instructions": 10**7,
        "arena_bytes": 4096,
        "flash_without_model": 10**5,
        "modelled_cycles": [1, 2 * 10**7, 3],
    }
    for name, value in (("tflm", {"runs": [run]}), ("silicon", {"results": [published_row()]})):
        (tmp_path / name).write_text(json.dumps(value))
    options = ["--models", shared_data / "models", "--baseline", tmp_path / "tflm", "--silicon", tmp_path / "silicon"]
    options += ["--yardstick", yardstick, "--core", "cortex-m4", "--model", "ad", "--json", tmp_path / "out.json"]
    done = CliRunner().invoke(benchmark.main, [str(option) for option in options])
    assert done.exit_code == 0, done.output
    data = json.loads((tmp_path / "out.json").read_text())
    ours, theirs, silicon = data["rows"]
    assert (ours["origin"], theirs["origin"], silicon["origin"]) == (OURS, BASELINE, SILICON)
    assert data["circumstances"][0]["differing_bytes"] == 0
    assert data["circumstances"][0]["compiler"].startswith("zig ")
    assert set(data["yardstick"][0]["difference"].values()) == {0}
    assert {bar["metric"] for bar in data["bars"]} == {"cycles", "arena", "code", "weights"}
    assert f"{ours['instructions']:,}" in done.output
