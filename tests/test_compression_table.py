"""The table of compression: verdicts, the recipe that is written, what a cache is good for, and paired losses by hand."""

import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

TOOLS = Path(__file__).resolve().parent.parent / "tools"
sys.path.insert(0, str(TOOLS))

from compressing import show
from compressing.groups import GROUPS
from compressing.rows import Figure, _drops, _errors, _worst_drops, worst_of
from compressing.trained import Trained, Training, joined, toml

BARS = tomllib.loads(show.BARS.read_text(encoding="utf-8"))


def trained(right: list[bool], before: list[bool], floats: float = 0.5, loaded: int = 0) -> Trained:
    nowhere = Path("nowhere")
    original = np.arange(len(right)) < loaded
    return Trained(nowhere, nowhere, original, floats, np.array(right), np.array(before), 1.0, 2**20, "prune{}", 0)


@pytest.mark.parametrize(("value", "verdict"), [(0.55, "met, aim too"), (0.56, "met"), (0.65, "met"), (0.66, "missed")])
def test_a_bar_is_an_upper_limit(value, verdict):
    (line,) = show.judge([Figure("vww_cycles", value)])
    assert line.verdict == verdict


def test_a_figure_without_a_bar_is_shown_without_a_verdict_and_lines_come_in_the_order_of_the_bars():
    lines = show.judge([Figure("ternary_drop", 3.0), Figure("vww_weights", 40_000)])
    assert [(line.model, line.verdict) for line in lines] == [
        ("VWW int8, unmodified", "missed"),
        ("LeNet-300-100, ternary", ""),
    ]
    assert show.cells(lines[0])[2:] == ("36,000", "28,500", "40,000", "missed")
    assert show.cells(lines[1])[2:] == ("-", "-", "+3.00", "")


def test_a_fraction_of_float32_is_shown_as_deep_compression_shows_it():
    (line,) = show.judge([Figure("lenet-5_flash", 1 / 40)])
    assert show.cells(line)[2:] == ("1/30.0", "1/45.0", "1/40.0", "met")


def test_of_several_figures_for_one_bar_the_largest_counts():
    figures = [
        Figure("decoding_ram", 100),
        Figure("vww_weights", 5),
        Figure("decoding_ram", 300),
        Figure("decoding_ram", 7),
    ]
    assert {one.bar: one.value for one in worst_of(figures)} == {"decoding_ram": 300, "vww_weights": 5}


def test_a_loss_is_counted_over_the_same_samples():
    before = [True] * 80 + [False] * 20
    after = [True] * 78 + [False] * 2 + [True] * 1 + [False] * 19
    figure, _ = _drops("resnet8", trained(after, before))
    assert (figure.bar, figure.value) == ("resnet8_drop", pytest.approx(1.0))
    low, high = figure.facts["interval"]
    assert low < 1.0 < high
    assert "100 test samples" in figure.words
    assert "79.00% against 80.00% of int8 trained as long" in figure.words


def test_where_training_on_made_the_uncompressed_model_worse_the_loss_to_the_one_that_was_loaded_stands_beside():
    drop, loaded = _drops("kws", trained([True] * 79 + [False] * 21, [True] * 78 + [False] * 22, loaded=85))
    assert drop.value == pytest.approx(-1.0)
    assert (loaded.bar, loaded.value) == ("kws_loaded", pytest.approx(6.0))
    assert "79.00% against 85.00% of the float model as loaded" in loaded.words


def test_of_several_seeds_each_loss_is_the_worst_ones():
    made = [trained([True] * good + [False] * (100 - good), [True] * 99 + [False], loaded=96) for good in (97, 98)]
    assert {one.bar: round(one.value, 6) for one in _worst_drops("lenet-5", made)} == {
        "lenet-5_drop": 2,
        "lenet-5_loaded": -1,
    }


def test_every_loss_of_a_row_has_a_place_in_the_table():
    names = {bar.removesuffix("_drop") for bar in BARS if bar.endswith("_drop")}
    assert names == {bar.removesuffix("_loaded") for bar in BARS if bar.endswith("_loaded")}
    assert {"kws", "resnet8", "lenet-5", "ternary"} <= names


def test_trainings_on_two_halves_are_judged_over_the_samples_of_both():
    halves = [
        trained([True] * 8 + [False] * 2, [True] * 9 + [False], floats=0.9, loaded=9),
        trained([True] * 27 + [False] * 3, [True] * 28 + [False] * 2, floats=0.8, loaded=28),
    ]
    both = joined(halves)
    assert (both.trained_on, both.seconds) == (pytest.approx((0.9 * 10 + 0.8 * 30) / 40), 2.0)
    figure, _ = _drops("kws", both)
    assert figure.value == pytest.approx(100 * (37 - 35) / 40)
    assert "40 test samples" in figure.words


def test_errors_of_several_seeds_are_compared_by_their_medians():
    made = [trained([True] * good + [False] * (100 - good), [True] * 100, 0.95, loaded=96) for good in (90, 97, 99)]
    found = _errors("lenet-5_error", made)
    assert found.value == pytest.approx(3 - 4)
    assert "3.00 (4.00, 5.00)" in found.words


def test_what_was_trained_is_known_by_its_settings_and_not_by_its_place(tmp_path):
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
        for name in ("model.h5", "data.npz", "teacher.h5"):
            (tmp_path / folder / name).write_bytes(name.encode())
    here, there = (
        Training(
            "row",
            tmp_path / one / "model.h5",
            tmp_path / one / "data.npz",
            {"data": {"scale": 2}, "training": {}},
            "prune{}",
            teachers=(tmp_path / one / "teacher.h5",),
        )
        for one in ("here", "there")
    )
    assert here.fingerprint == replace(there, name="other").fingerprint
    assert here.settings["training"]["teacher"] == [str(tmp_path / "here" / "teacher.h5")]
    others = [replace(here, passes="codes{}"), replace(here, seed=1), replace(here, recipe={"data": {"scale": 3}})]
    others.append(replace(here, teachers=()))
    (tmp_path / "there" / "data.npz").write_bytes(b"other")
    assert len({one.fingerprint for one in (here, there, *others)}) == 6


def test_the_recipe_is_written_as_the_package_reads_it(tmp_path):
    from edgecompress import recipe

    sections = {
        "data": {"scale": 0.25, "reshape": [28, 28, 1], "split": {"calibration": 300, "validation": 0}},
        "training": {"batch_size": 64, "mixup": True, "teacher": "original"},
    }
    (tmp_path / "recipe.toml").write_text(toml(sections))
    read = recipe.load(tmp_path / "recipe.toml")
    assert (read.data.scale, read.data.reshape, read.data.split.calibration) == (0.25, (28, 28, 1), 300)
    assert (read.training.batch_size, read.training.mixup, read.training.teacher) == (64, True, "original")


def test_every_bar_belongs_to_a_group():
    assert {key.rsplit("_", 1)[0] for key in BARS} - {"ternary", "binary", "decoding"} <= set(GROUPS)
