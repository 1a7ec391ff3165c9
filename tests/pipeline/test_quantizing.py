"""`quantize`, and `build --quantize`: the file, its accuracy on test samples, and what is refused before anything slow."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgecompress.errors import UsageError
from edgecompress.pipeline.build import build
from edgecompress.pipeline.quantizing import quantize
from edgecompress.reference.inputs import as_input
from edgecompress.reference.tflm import Tflm
from edgecompress.report.codec import dumps
from edgecompress.tflite.reader import read
from models import digits_cnn
from models.example import make


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """model.h5 with its recipe, without passes, and its data."""
    folder = tmp_path_factory.mktemp("digits")
    make(replace(digits_cnn.EXAMPLE, epochs=4), folder, digits_cnn.samples())
    recipe = (folder / "model.toml").read_text(encoding="utf-8").split("[passes]")[0]
    (folder / "model.toml").write_text(recipe, encoding="utf-8")
    return folder / "model.h5"


@pytest.mark.slow
def test_a_build_with_auto_is_bit_exact_and_says_what_it_did(digits: Path) -> None:
    report = build(digits, quantize="auto,per-tensor", passes="", out=digits.parent / "built").report
    assert report.accuracy.device is not None
    assert report.accuracy.drop is not None and report.accuracy.drop < 0.02
    assert any(note.startswith("quantization, tried in turn: ") for note in report.notes)
    shares = [layer.error_share for layer in report.layers if layer.error_share is not None]
    assert sum(shares) == pytest.approx(1, abs=0.01)
    graph = read(digits.parent / "built" / "model.tflite")
    convolutions = [graph.tensors[one.inputs[1]] for one in graph.operations if one.opcode == "CONV_2D"]
    assert convolutions
    assert all(len(one.quantization.scales) == 1 for one in convolutions if one.quantization is not None)


@pytest.mark.slow
def test_the_accuracy_of_the_file_is_tflite_micro_s(digits: Path) -> None:
    done = quantize(
        digits, quantize="mse,correct-bias", folder=digits.parent / "alone", out=digits.parent / "small.tflite"
    )
    tests = digits.parent / "alone" / "test"
    labels, graph = np.load(tests / "labels.npy"), read(Path(done.file))
    with np.load(tests / "outputs.npz") as stored:
        outputs = stored["real_0"]
    assert done.value == np.mean(outputs.argmax(1) == labels)
    assert done.accuracy.original is not None
    assert done.accuracy.drop == pytest.approx(done.accuracy.original - done.value)
    assert json.loads(dumps(done))["format"] == "int8"
    first, output = graph.inputs[0], graph.outputs[0]
    codes = as_input(graph.tensors[first], np.zeros((1, *graph.tensors[first].shape[1:]), np.float32))
    assert Tflm().run(Path(done.file), [{first: codes}])[0][output].shape == graph.tensors[output].shape


def test_what_has_no_float_weights_is_refused(tmp_path: Path) -> None:
    model = tmp_path / "model.tflite"
    model.write_bytes(b"TFL3")
    with pytest.raises(UsageError, match="Keras model"):
        quantize(model)
    with pytest.raises(UsageError, match=r"\[quantization\] needs a Keras model"):
        build(model, quantize="mse", out=tmp_path / "run")


@pytest.mark.slow
def test_a_build_refuses_formats_that_its_kernels_lack(digits: Path) -> None:
    recipe = digits.parent / "float16.toml"
    text = (digits.parent / "model.toml").read_text(encoding="utf-8")
    recipe.write_text(text + '\n[quantization]\nformat = "float16"\n', encoding="utf-8")
    with pytest.raises(UsageError, match="int8") as caught:
        build(digits, recipe=recipe, out=digits.parent / "refused")
    assert "edgecompress quantize" in caught.value.hint
    assert not (digits.parent / "refused").exists()
