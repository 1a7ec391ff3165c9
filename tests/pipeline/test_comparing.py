"""`compare`: pipelines built side by side, and finished runs."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from edgecompress.errors import RecipeError, UsageError
from edgecompress.pipeline.comparing import Compared, compare_pipelines, compare_runs
from models import digits_cnn
from models.example import make

HALF = "prune{sparsity=0.5,epochs=1}"
QUARTER = "prune{sparsity=0.25,epochs=1}"
BROKEN = "prune{sparsity=0.5,epochs=0,exclude=[nothing_of_this_name]}"


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Compared, Path]:
    folder = tmp_path_factory.mktemp("digits")
    make(replace(digits_cnn.EXAMPLE, epochs=4), folder, digits_cnn.samples())
    out = folder / "compare"
    return compare_pipelines(folder / "model.h5", [HALF, BROKEN, QUARTER], out=out), out


@pytest.mark.slow
def test_every_pipeline_stands_beside_the_model_without_passes(compared: tuple[Compared, Path]) -> None:
    result, out = compared
    assert [row.name for row in result.runs.rows] == ["no passes", HALF, BROKEN, QUARTER]
    plain, half, _, _ = result.runs.rows
    assert plain.accuracy is not None and half.accuracy is not None
    assert plain.weights == half.weights
    assert result.runs.samples and result.runs.notes == ()
    assert json.loads((out / "compare.json").read_text())["schema"] == "edgecompress-comparison/1"
    assert (out / "compare.html").read_text().count("<circle") == 9


@pytest.mark.slow
def test_a_pipeline_that_fails_is_told_and_the_others_are_done(compared: tuple[Compared, Path]) -> None:
    result, _ = compared
    assert "nothing_of_this_name" in (result.runs.rows[2].error or "")
    assert [type(error) for error in result.errors] == [RecipeError]
    assert len(result.reports) == 3


@pytest.mark.slow
def test_the_training_without_passes_is_done_once_for_pipelines_of_the_same_epochs(
    compared: tuple[Compared, Path],
) -> None:
    result, out = compared
    first, second = (json.loads((out / run / "compress" / "baseline.json").read_text()) for run in ("1", "3"))
    assert first == second
    assert first["entry"]["seconds"] > 0
    trained = [report for report in result.reports if report.passes]
    assert len(trained) == 2
    for report in trained:
        (compressed,) = (stage for stage in report.stages if stage.name == "compressed")
        assert compressed.seconds == pytest.approx(report.passes[0].seconds, abs=0.01)


@pytest.mark.slow
def test_finished_runs_are_compared_by_their_folders(compared: tuple[Compared, Path]) -> None:
    result, out = compared
    again = compare_runs([out / "0", out / "1"])
    assert again.reports == result.reports[:2]
    assert [row.name for row in again.runs.rows] == ["0", f"1: {HALF}"]


def test_a_misspelt_pass_is_told_before_anything_is_built(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="prun"):
        compare_pipelines(tmp_path / "model.h5", ["prun{sparsity=0.5}"], out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_one_run_alone_or_a_folder_without_report_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing to compare with"):
        compare_runs([tmp_path])
    with pytest.raises(UsageError, match="cannot read the report"):
        compare_runs([tmp_path, tmp_path])
