"""`build` from a Keras file to a reported firmware, on the digits network that the project ships."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgecompress.errors import AccuracyError, DataError, ModelFileError, OutputError, RecipeError, UsageError
from edgecompress.pipeline.build import Build, build, check_drop
from edgecompress.pipeline.folder import RunFolder, fingerprint
from edgecompress.report.records import Accuracy, Report
from edgecompress.report.schema import read_report
from edgecompress.tflite import reader
from models import digits_cnn
from models.example import make

PASSES = "prune{sparsity=0.6,epochs=2},cluster{clusters=16,epochs=1},qat{epochs=1}"


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """model.h5 with its recipe and its data."""
    folder = tmp_path_factory.mktemp("digits")
    make(replace(digits_cnn.EXAMPLE, epochs=6), folder, digits_cnn.samples())
    return folder / "model.h5"


@pytest.fixture(scope="module")
def built(digits: Path) -> Build:
    return build(digits, passes=PASSES, target="nucleo-l4r5zi", out=digits.parent / "run", command="edgecompress build")


@pytest.mark.slow
def test_a_keras_file_becomes_a_bit_exact_firmware_with_a_report(built: Build) -> None:
    report = built.report
    assert report.bit_exact.differing_bytes == 0
    assert report.bit_exact.inputs == 16 + 4 + 8
    assert report.cycles.kind == "modelled"
    assert report.milliseconds.clock_hz == 120_000_000
    assert read_report(built.folder) == report
    assert "<script" not in (built.folder / "report.html").read_text(encoding="utf-8")
    values = json.loads((built.folder / "report.json").read_text(encoding="utf-8"))
    assert set(values["ram"]) == {
        "arena",
        "state",
        "bound_without_sharing",
        "bound_of_schedule",
        "static",
        "stack",
        "total",
    }
    assert {"metric", "samples", "float", "int8", "device"} <= set(values["accuracy"])


@pytest.mark.slow
def test_promises_hold_on_the_integers_in_the_tflite(built: Build) -> None:
    """Counted here by hand, not by the code under test."""
    graph = reader.read(built.folder / "model.tflite")
    kernels = [graph.tensors[o.inputs[1]].data for o in graph.operations if o.opcode == "CONV_2D"]
    for kernel in kernels:
        assert kernel is not None
        zeros = np.count_nonzero(kernel == 0)
        assert zeros + 1 >= 0.6 * kernel.size
        assert max(len(np.unique(channel)) for channel in kernel) <= 16
    assert [record.status for record in built.report.passes] == ["kept", "kept", None]


@pytest.mark.slow
def test_codes_of_a_whole_tensor_reach_the_file_and_the_report_says_how_many(digits: Path) -> None:
    folder = digits.parent / "codes"
    built = build(digits, passes="prune{sparsity=0.6,epochs=1},codes{values=9,epochs=1}", out=folder)
    graph = reader.read(folder / "model.tflite")
    kernels = {
        o.opcode: graph.tensors[o.inputs[1]].data for o in graph.operations if "CONV" in o.opcode or "FULLY" in o.opcode
    }
    assert set(kernels) == {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"}
    for kernel in kernels.values():
        assert kernel is not None
        assert len(np.unique(kernel)) <= 9
        assert np.count_nonzero(kernel == 0) + 1 >= 0.6 * kernel.size
    (zeros, codes) = built.report.passes
    assert (zeros.status, codes.status) == ("kept", "kept")
    assert codes.reached_in_tflite == max(len(np.unique(kernel)) for kernel in kernels.values())
    assert built.report.bit_exact.differing_bytes == 0
    assert built.report.accuracy.int8 is not None and built.report.accuracy.int8 > 0.8


@pytest.mark.slow
def test_accuracy_is_judged_beside_the_same_training_without_compression(built: Build) -> None:
    found = built.report.accuracy
    assert found.samples == 359
    assert found.original is not None and found.baseline is not None and found.float_ is not None
    assert found.int8 == found.device
    assert found.drop == pytest.approx(max(found.original, found.baseline) - found.int8)
    assert found.drop_interval is not None and found.drop_interval.low <= found.drop <= found.drop_interval.high
    assert any("fewer than 500 samples" in note or "points" in note for note in built.report.notes)


@pytest.mark.slow
def test_resuming_repeats_nothing_and_gives_the_same_bytes(digits: Path, built: Build) -> None:
    before = {name: (built.folder / name).read_bytes() for name in ("model.tflite", "firmware.elf", "c/model.c")}
    stages: list[str] = []
    again = build(
        digits, passes=PASSES, target="nucleo-l4r5zi", out=built.folder, resume=True,
        on_event=lambda event: stages.append(str(event.get("stage"))),
    )  # fmt: skip
    assert not any("convert" in stage or "prune" in stage for stage in stages)
    assert before == {name: (built.folder / name).read_bytes() for name in before}
    assert again.report.accuracy == built.report.accuracy


@pytest.mark.slow
def test_an_integer_model_goes_through_the_back_end_alone(built: Build, digits: Path, tmp_path: Path) -> None:
    again = build(built.folder / "model.tflite", target="rpi-pico", out=tmp_path / "run")
    assert again.report.target == "rpi-pico"
    assert again.report.accuracy.int8 is None
    assert again.report.bit_exact.differing_bytes == 0


@pytest.mark.slow
def test_random_calibration_leaves_accuracy_unknown(digits: Path, tmp_path: Path) -> None:
    lonely = tmp_path / "lonely.h5"
    lonely.write_bytes(digits.read_bytes())
    found = build(lonely, random_calibration=True, out=tmp_path / "run").report
    assert (found.accuracy.int8, found.accuracy.float_, found.accuracy.samples) == (None, None, None)
    assert any("random" in warning for warning in found.warnings)
    assert found.bit_exact.differing_bytes == 0


def test_a_model_without_data_is_refused_with_what_to_give(tmp_path: Path) -> None:
    (tmp_path / "model.h5").write_bytes(b"not read before the data is known to be missing")
    with pytest.raises(DataError, match="need samples") as caught:
        build(tmp_path / "model.h5", out=tmp_path / "run")
    assert "--data" in caught.value.hint and "--random-calibration" in caught.value.hint
    assert not (tmp_path / "run").exists()


def test_what_is_misspelt_is_told_before_anything_is_read_or_made(tmp_path: Path) -> None:
    model = tmp_path / "model.h5"
    model.write_bytes(b"")
    for wrong, error, words in (
        ({"target": "nucleo"}, UsageError, "nucleo"),
        ({"passes": "prne{}"}, RecipeError, "prne"),
        ({"passes": "prune{sparsty=0.5}"}, RecipeError, "sparsty"),
        ({"passes": "prune{"}, RecipeError, "passes"),
    ):
        with pytest.raises(error, match=words):
            build(model, random_calibration=True, out=tmp_path / "run", **wrong)
    with pytest.raises(ModelFileError, match="no such file"):
        build(tmp_path / "missing.h5", out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_damaged_model_leaves_no_folder_behind(tmp_path: Path) -> None:
    (tmp_path / "model.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(200))
    with pytest.raises(ModelFileError):
        build(tmp_path / "model.h5", random_calibration=True, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_folder_that_holds_something_else_is_never_written_into(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious", encoding="utf-8")
    with pytest.raises(OutputError, match="not empty"):
        RunFolder(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_stage_is_taken_over_only_with_the_same_inputs(tmp_path: Path) -> None:
    RunFolder(tmp_path / "run").finish("convert", fingerprint({"seed": 1}), {"bytes": 5})
    resumed = RunFolder(tmp_path / "run", resume=True)
    assert resumed.result("convert", fingerprint({"seed": 1})) == {"bytes": 5}
    assert resumed.result("convert", fingerprint({"seed": 2})) is None
    assert RunFolder(tmp_path / "run").result("convert", fingerprint({"seed": 1})) is None


def test_a_damaged_state_only_means_that_stages_are_done_again(tmp_path: Path) -> None:
    RunFolder(tmp_path / "run").finish("convert", "key", {})
    (tmp_path / "run" / "run.json").write_text("{", encoding="utf-8")
    assert RunFolder(tmp_path / "run", resume=True).result("convert", "key") is None


def test_more_loss_than_allowed_is_an_error_of_its_own() -> None:
    lost = replace(Report(), accuracy=Accuracy("accuracy", 500, drop=0.031, max_drop=0.01, unit="fraction"))
    with pytest.raises(AccuracyError, match=r"3\.10 points") as caught:
        check_drop(lost)
    assert caught.value.exit_code == 8
    check_drop(replace(lost, accuracy=replace(lost.accuracy, drop=0.01)))
    check_drop(replace(lost, accuracy=replace(lost.accuracy, drop=None)))
