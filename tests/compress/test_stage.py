"""The whole stage: artefacts, the baseline, resuming, changed inputs, and a stop in the middle."""

import json
import shutil
from pathlib import Path
from typing import Any

import keras_examples as examples
import numpy as np
import pytest

from edgecompress import worker
from edgecompress.compress import chain, stage
from edgecompress.compress.converted import check_converted
from edgecompress.compress.models.saved import save_model, sha256_of
from edgecompress.errors import DataError, RecipeError
from edgecompress.load import load_stage
from edgecompress.tflite import reader

PASSES = "prune{sparsity=0.5,epochs=1},cluster{clusters=8,epochs=1},qat{epochs=1}"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with model.h5, data.npz and recipe.toml."""
    folder = tmp_path_factory.mktemp("inputs")
    save_model(examples.trained("depthwise"), folder / "model.h5")
    data = examples.samples(160, 48)
    np.savez(
        folder / "data.npz",
        x_train=data.x["train"],
        y_train=data.y["train"],
        x_val=data.x["validation"],
        y_val=data.y["validation"],
        x_test=data.x["validation"][:8] + 1,
        y_test=data.y["validation"][:8],
    )
    (folder / "recipe.toml").write_text(f"""
        [data]
        source = "data.npz"
        [training]
        learning_rate = 0.002
        [passes]
        pipeline = "{PASSES}"
    """)
    return folder


def job(folder: Path, out: Path, **overrides: Any) -> dict[str, Any]:
    return {
        "model": str(folder / "model.h5"),
        "out": str(out),
        "recipe": str(folder / "recipe.toml"),
        "overrides": {key.replace("__", "."): value for key, value in overrides.items()},
    }


@pytest.fixture(scope="module")
def finished(inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], list[Any]]:
    """The stage run in a worker, as a build does."""
    out, events = tmp_path_factory.mktemp("out"), []
    function = "edgecompress.compress.stage:compress"
    result = worker.call(function, job(inputs, out), log=out / "log.txt", on_event=events.append)
    return out, result, events


def test_every_pass_is_reported_with_promise_reached_seconds_and_accuracies(finished):
    out, result, _ = finished
    assert [entry["name"] for entry in result["passes"]] == ["prune", "cluster", "qat"]
    prune, cluster, qat = result["passes"]
    assert prune["promise"] == "at least 0.5 of the weights of each kernel are zero, to the nearest weight"
    assert 0.49 <= prune["reached"] <= 0.51
    assert cluster["reached"] <= 8
    assert qat["promise"] is None
    assert qat["reached"] is None
    assert [len(entry["measured"]) for entry in result["passes"]] == [1, 2, 2]
    assert prune["accuracy_before"] == result["accuracy"]["original"]
    assert cluster["accuracy_before"] == prune["accuracy_after"]
    assert result["accuracy"]["compressed"] == qat["accuracy_after"]
    assert all(entry["seconds"] > 0 for entry in result["passes"])
    assert json.loads((out / "compress.json").read_text()) == result
    assert [promise["kind"] for promise in result["promises"]] == ["zeros", "distinct_values"]


def test_the_baseline_is_trained_for_the_same_steps_and_not_compressed(finished):
    out, result, events = finished
    baseline = load_stage(out / result["baseline"]["path"])
    assert result["baseline"]["steps"] == 3 * 4 or result["baseline"]["steps"] == 3 * 5
    assert np.count_nonzero(baseline.get_layer("stem").kernel.numpy() == 0) == 0
    totals = {event["stage"]: event["total"] for event in events if event["kind"] == "progress"}
    trained = sum(total for name, total in totals.items() if not name.startswith("baseline"))
    assert trained == result["baseline"]["steps"]


def test_the_compressed_model_is_whole_and_its_promises_can_be_checked_in_the_file_without_keras(finished, tmp_path):
    out, result, _ = finished
    compressed = result["compressed"]
    assert sha256_of(out / compressed["path"]) == compressed["sha256"]
    model = load_stage(out / compressed["path"], quantized=compressed["quantized"])
    x = np.random.default_rng(2).normal(0.2, 0.4, (12, *examples.SHAPE))
    (tmp_path / "m.tflite").write_bytes(examples.to_tflite(model, x))
    measured = check_converted(reader.read(tmp_path / "m.tflite"), out / result["kernels"], result["promises"])
    assert all(one.holds for one in measured)
    assert not [path for path in out.rglob(".*") if path.is_file()]


def test_a_finished_run_is_taken_up_and_a_damaged_pass_is_done_again_to_the_same_weights(
    finished, inputs, tmp_path, monkeypatch
):
    out, result, _ = finished
    shutil.copytree(out, tmp_path / "out")
    ran = []
    original = chain.run_pass
    monkeypatch.setattr(chain, "run_pass", lambda *given: ran.append(given[1]) or original(*given))
    again = stage.compress(job(inputs, tmp_path / "out"))
    assert ran == []
    assert [entry["resumed"] for entry in again["passes"]] == [True] * 3
    assert again["compressed"] == result["compressed"]
    (tmp_path / "out" / "passes" / "3-qat" / "model.h5").write_bytes(b"torn")
    again = stage.compress(job(inputs, tmp_path / "out"))
    assert ran == ["qat{epochs=1}"]
    first = load_stage(out / "compressed.h5", quantized=True).get_weights()
    second = load_stage(tmp_path / "out" / "compressed.h5", quantized=True).get_weights()
    for one, two in zip(first, second, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("change", "ran"),
    [
        ({"passes": "prune{sparsity=0.5,epochs=1},cluster{clusters=9,epochs=1}"}, ["cluster{clusters=9,epochs=1}"]),
        ({"build__seed": 1, "passes": "prune{sparsity=0.5,epochs=1}"}, ["prune{sparsity=0.5,epochs=1}"]),
    ],
)
def test_what_depends_on_a_change_runs_again_and_nothing_else(finished, inputs, tmp_path, monkeypatch, change, ran):
    shutil.copytree(finished[0], tmp_path / "out")
    done = []
    original = chain.run_pass
    monkeypatch.setattr(chain, "run_pass", lambda *given: done.append(given[1]) or original(*given))
    stage.compress(job(inputs, tmp_path / "out", **change))
    assert done == ran


def test_a_baseline_that_teaches_has_learnt_from_labels_alone_and_is_taken_up_with_what_it_taught(inputs, tmp_path):
    passes = "prune{sparsity=0.5,epochs=1}"
    teaching = {"training__distillation": 0.8, "training__teacher": "baseline", "passes": passes}
    alone = stage.compress(job(inputs, tmp_path / "alone", passes=passes))
    taught = stage.compress(job(inputs, tmp_path / "taught", **teaching))
    weights = {}
    for name, result in (("alone", alone), ("taught", taught)):
        for kind in ("baseline", "compressed"):
            weights[name, kind] = load_stage(tmp_path / name / result[kind]["path"]).get_weights()
    for one, other in zip(weights["alone", "baseline"], weights["taught", "baseline"], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
    pairs = zip(weights["alone", "compressed"], weights["taught", "compressed"], strict=True)
    assert any(np.abs(one - other).max() > 1e-3 for one, other in pairs)
    again = stage.compress(job(inputs, tmp_path / "taught", **teaching))
    assert [entry["resumed"] for entry in again["passes"]] == [True]
    assert again["compressed"] == taught["compressed"]


def test_teachers_of_their_own_are_read_beside_the_recipe_and_a_changed_file_trains_anew(inputs, tmp_path):
    folder = tmp_path / "inputs"
    shutil.copytree(inputs, folder)
    for number in (1, 2):
        save_model(examples.trained("depthwise", number), folder / f"teacher{number}.h5")
    recipe = (folder / "recipe.toml").read_text()
    teaching = (
        'distillation = 1.0\n        teacher = ["teacher1.h5", "teacher2.h5"]\n        mixup = true\n        [passes]'
    )
    (folder / "recipe.toml").write_text(recipe.replace("[passes]", teaching))
    passes = {"passes": "prune{sparsity=0.5,epochs=1}"}
    first = stage.compress(job(folder, tmp_path / "out", **passes))
    again = stage.compress(job(folder, tmp_path / "out", **passes))
    assert [entry["resumed"] for entry in again["passes"]] == [True]
    shutil.copy(folder / "teacher1.h5", folder / "teacher2.h5")
    other = stage.compress(job(folder, tmp_path / "out", **passes))
    assert [entry["resumed"] for entry in other["passes"]] == [False]
    assert other["compressed"]["sha256"] != first["compressed"]["sha256"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"training__teacher": "no.h5"}, "names models that nothing asks"),
        ({"training__mixup": True}, "samples that have no labels"),
        ({"training__mixup": True, "training__distillation": 1.0, "training__teacher": "baseline"}, "cannot teach"),
        ({"training__distillation": 0.5, "training__loss": "distillation"}, "no labels to learn from"),
    ],
)
def test_teachers_that_make_no_sense_are_refused(inputs, tmp_path, given, message):
    with pytest.raises(RecipeError, match=message):
        stage.compress(job(inputs, tmp_path / "out", **given))


def test_a_stop_in_the_middle_of_a_pass_keeps_the_passes_before_and_leaves_nothing_half_written(
    inputs, tmp_path, monkeypatch
):
    original = chain.run_pass

    def stopped(compression, *given):
        if compression.name == "cluster":
            raise KeyboardInterrupt
        return original(compression, *given)

    monkeypatch.setattr(chain, "run_pass", stopped)
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        stage.compress(job(inputs, out, passes="prune{epochs=0},cluster{epochs=0}"))
    assert (out / "passes" / "1-prune" / "result.json").is_file()
    assert not (out / "passes" / "2-cluster").exists()
    assert not (out / "compressed.h5").exists()
    monkeypatch.setattr(chain, "run_pass", original)
    result = stage.compress(job(inputs, out, passes="prune{epochs=0},cluster{epochs=0}"))
    assert [entry["resumed"] for entry in result["passes"]] == [True, False]


def test_without_passes_the_model_is_returned_as_it_was(inputs, tmp_path):
    result = stage.compress(job(inputs, tmp_path / "out", passes=""))
    assert result["passes"] == []
    assert result["promises"] == []
    assert result["baseline"]["steps"] == 0
    before, after = load_stage(inputs / "model.h5"), load_stage(tmp_path / "out" / "compressed.h5")
    for one, two in zip(before.get_weights(), after.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_misspelt_parameter_is_told_before_anything_is_loaded(inputs, tmp_path):
    wrong = {**job(inputs, tmp_path), "model": "missing.h5", "overrides": {"passes": "prune{sparcity=0.5}"}}
    with pytest.raises(RecipeError, match="sparcity"):
        stage.compress(wrong)


def test_data_that_does_not_suit_the_model_is_refused(inputs, tmp_path):
    np.savez(tmp_path / "other.npz", x=np.zeros((40, 5, 5, 2), np.float32), y=np.arange(40) % 4)
    with pytest.raises(DataError):
        stage.compress({**job(inputs, tmp_path / "out"), "data": str(tmp_path / "other.npz")})
