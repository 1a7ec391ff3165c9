"""[quantization] within the conversion: what goes with what, what is written, and other formats proven from the file."""

from pathlib import Path

import numpy as np
import pytest

from edgecompress.compress.base import Kind, Promise
from edgecompress.convert import formats, stage
from edgecompress.convert.layer_errors import layer_errors
from edgecompress.convert.post_training import check, forbidden
from edgecompress.convert.proof import check_full_integer
from edgecompress.errors import UnsupportedError, UsageError
from edgecompress.load.runtime import keras2
from edgecompress.recipe import QuantizationRecipe
from edgecompress.recipe.quantization import WORDS, quantization_overrides
from edgecompress.tflite.reader import read, read_bytes

PRUNED = Promise(Kind.ZEROS, 0.5, layers=("conv",), source="prune{sparsity=0.5}")
SHARED = Promise(Kind.DISTINCT_VALUES, 16, layers=("conv",), source="codes{values=16}")


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    keras, layers = keras2(), keras2().layers
    keras.utils.set_random_seed(5)
    start = keras.Input((8, 8, 4))
    x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(16, 3, name="conv")(start)))
    x = layers.Flatten()(layers.Conv2D(16, 3, activation="relu", name="second")(x))
    keras.Model(start, layers.Dense(5, activation="softmax", name="dense")(x)).save(folder / "small.h5")
    values = np.random.default_rng(4).normal(0, 1, (150, 8, 8, 4)).astype(np.float32)
    np.savez(folder / "images.npz", x=values, y=np.arange(150) % 5)
    return folder


def job(folder, out, **overrides):
    settings = {f"quantization.{key}": value for key, value in overrides.items()}
    return {
        "model": folder / "small.h5", "data": str(folder / "images.npz"), "overrides": settings,
        "output": out / "model.tflite", "float_output": out / "float.tflite",
    }  # fmt: skip


@pytest.mark.slow
def test_a_plain_conversion_says_where_it_loses_and_what_would_help(small, tmp_path):
    done = stage.convert(job(small, tmp_path))
    parts = done["quantization"]["parts"]
    assert sum(part["share"] for part in parts) == pytest.approx(1)
    assert {part["op"] for part in parts} == {"CONV_2D", "FULLY_CONNECTED"}
    assert all(part["remedy"] for part in parts if part["share"] >= 0.05)


@pytest.mark.slow
def test_auto_writes_a_full_integer_file_that_the_report_explains(small, tmp_path):
    done = stage.convert(job(small, tmp_path, auto=True))
    assert check_full_integer(read(tmp_path / "model.tflite")).as_dict() == done["proof"]
    found = done["quantization"]
    assert found["after_db"] >= found["before_db"] - 0.5
    assert any("tried in turn" in line for line in found["remarks"])
    samples = [(np.random.default_rng(1).normal(0, 1, (8, 8, 4)).astype(np.float32),)]
    assert layer_errors(tmp_path / "model.tflite", tmp_path / "float.tflite", samples)


@pytest.mark.slow
@pytest.mark.parametrize("name", formats.FORMATS)
def test_other_formats_hold_what_they_say(small, tmp_path, name):
    done = formats.convert_as(job(small, tmp_path, format=name))
    assert done["proof"]["weights"] >= 1
    graph = read(tmp_path / "model.tflite")
    others = [other for other in formats.FORMATS if other != name]
    for other in others:
        with pytest.raises(UnsupportedError, match=other):
            formats.check_format(graph, other)


@pytest.mark.slow
def test_an_int8_file_is_none_of_the_other_formats(small, tmp_path):
    stage.convert(job(small, tmp_path))
    for name in formats.FORMATS:
        with pytest.raises(UnsupportedError, match=name):
            formats.check_format(read_bytes((tmp_path / "model.tflite").read_bytes()), name)


def test_techniques_of_int8_are_refused_for_other_formats(tmp_path):
    with pytest.raises(UsageError, match="float16"):
        formats.convert_as({"overrides": {"quantization.format": "float16", "quantization.equalize": True}})


def test_settings_that_would_break_a_promise_are_refused_and_name_the_pass():
    assert set(forbidden([PRUNED])) == {"equalize"}
    assert set(forbidden([SHARED])) == {"equalize", "adaround", "tensor"}
    for settings in ({"equalize": True}, {"adaround": True}, {"weights": "tensor"}):
        with pytest.raises(UsageError, match="promised") as caught:
            check(QuantizationRecipe(**settings), forbidden([SHARED]), quantized=False, random=False)
        assert caught.value.found == SHARED.source
    check(QuantizationRecipe(correct_bias=True, calibration="mse"), forbidden([SHARED]), quantized=False, random=False)


def test_trained_ranges_and_random_samples_are_no_ground_for_quantization():
    with pytest.raises(UsageError, match="qat"):
        check(QuantizationRecipe(auto=True), {}, quantized=True, random=False)
    with pytest.raises(UsageError, match="real samples"):
        check(QuantizationRecipe(auto=True), {}, quantized=False, random=True)


def test_words_of_the_command_line_are_keys_of_the_recipe():
    assert quantization_overrides(None) == {}
    assert quantization_overrides("mse, per-tensor") == {
        "quantization.calibration": "mse",
        "quantization.weights": "tensor",
    }
    assert {key for key, _ in WORDS.values()} == {
        "auto", "calibration", "weights", "equalize", "correct_bias", "adaround",
    }  # fmt: skip
    with pytest.raises(UsageError, match="unknown technique") as caught:
        quantization_overrides("equalise")
    assert "equalize" in caught.value.hint
    with pytest.raises(UsageError, match="two words"):
        quantization_overrides("mse,kl")
