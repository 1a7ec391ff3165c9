"""The tables of techniques: what is tried on each network can be run, and rows say what a run said."""

import sys
from pathlib import Path

import numpy as np
import pytest

TOOLS = Path(__file__).resolve().parent.parent / "tools"
sys.path.insert(0, str(TOOLS))

from compressing import recipes
from compressing.techniques import NETWORKS, PIPELINES, Network
from compressing.trained import Training, toml
from techniques import HEADS, cells, markdown

from edgecompress import recipe
from edgecompress.compress import make_all
from edgecompress.report.records import Interval
from edgecompress.report.runs import RunRow, Runs


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_every_pipeline_is_one_that_the_passes_take(network):
    for text in PIPELINES:
        assert make_all(recipe.parse_passes(text.format(sparsity=network.sparsity)))


def test_a_network_takes_its_rows_recipe_but_for_what_is_said(tmp_path):
    np.savez(tmp_path / "data.npz", x=np.zeros((4, 2)))
    recipe_of_row = {"data": {"split": {"calibration": 30}}, "training": {"batch_size": 8, **recipes.MIXTURES}}
    row = Training(
        "row", tmp_path / "model.h5", tmp_path / "data.npz", recipe_of_row, "", 0, (tmp_path / "teacher.h5",)
    )
    network = Network(lambda *folders: row, epochs=7, sparsity=0.5, samples=900, settings={"mixup": False})
    job = network.job(tmp_path, tmp_path, tmp_path)
    (tmp_path / "recipe.toml").write_text(toml(job.settings), encoding="utf-8")
    read = recipe.load(tmp_path / "recipe.toml")
    assert (read.data.split.calibration, read.data.split.train) == (30, 900)
    assert (read.training.epochs, read.training.batch_size, read.training.mixup) == (7, 8, False)
    assert read.training.teacher_files == ()


def test_a_row_tells_points_counts_and_times():
    row = RunRow(
        "qat", accuracy=0.875, drop=0.0125, drop_interval=Interval(-0.01, 0.03, 0.95), macs=2_000, weights=100, weight_bytes=90,
        flash=4_000, arena=512, cycles=12_345, passes_seconds=10.4, baseline_seconds=9.6, memory=2**30,
    )  # fmt: skip
    assert cells(row) == [
        "`qat`", "87.50", "1.25 (-1.00 to 3.00)", "2,000", "100", "90", "4,000", "512", "12,345", "10", "10", "1024",
    ]  # fmt: skip


def test_a_pipeline_that_failed_says_why_in_its_row():
    assert cells(RunRow("qat", error="the layer is unknown")) == [
        "`qat`",
        "the layer is unknown",
        *[""] * (len(HEADS) - 2),
    ]


def test_notes_stand_below_the_table():
    assert markdown(Runs(rows=(RunRow("qat", error="no"),), notes=("cycles are modelled",))).endswith(
        "|\n\ncycles are modelled\n"
    )
