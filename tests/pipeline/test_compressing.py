"""`compress`: from a Keras file to a Keras file, with the accuracy of the test samples beside the same training without."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgecompress.errors import AccuracyError, UsageError
from edgecompress.load.runtime import keras3
from edgecompress.pipeline.build import check_drop
from edgecompress.pipeline.compressing import Compressed, compress
from models import digits_cnn
from models.example import make

PASSES = "prune{sparsity=0.6,epochs=1}"


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """model.h5 with its recipe and its data."""
    folder = tmp_path_factory.mktemp("digits")
    make(replace(digits_cnn.EXAMPLE, epochs=4), folder, digits_cnn.samples())
    return folder / "model.h5"


@pytest.fixture(scope="module")
def compressed(digits: Path) -> Compressed:
    return compress(digits, passes=PASSES, folder=digits.parent / "run", out=digits.parent / "small.keras")


@pytest.mark.slow
def test_the_file_holds_the_promise_in_plain_keras(compressed: Compressed) -> None:
    model = keras3().models.load_model(compressed.file, compile=False)
    kernels = [w for layer in model.layers for w in layer.get_weights() if w.ndim > 1]
    assert kernels
    assert all(np.count_nonzero(k == 0) >= int(0.6 * k.size) for k in kernels)
    (record,) = compressed.report.passes
    assert record.status == "kept"


@pytest.mark.slow
def test_the_accuracy_is_that_of_the_written_file_on_the_test_samples(digits: Path, compressed: Compressed) -> None:
    model = keras3().models.load_model(compressed.file, compile=False)
    test = compressed.folder / "test"
    answers = np.load(test / "outputs_compressed.npy")
    labels = np.load(test / "labels.npy")
    report = compressed.report
    assert report.accuracy.float_ == np.mean(answers.argmax(1) == labels)
    assert report.accuracy.samples == len(labels)
    assert report.accuracy.int8 is None
    assert report.accuracy.drop is not None and report.accuracy.drop_interval is not None
    assert model.count_params() == report.parameters


@pytest.mark.slow
def test_a_larger_loss_than_allowed_is_an_error_after_the_file_is_written(compressed: Compressed) -> None:
    accuracy = replace(compressed.report.accuracy, drop=0.2, max_drop=0.1)
    with pytest.raises(AccuracyError, match=r"the compressed model loses 20\.00 points"):
        check_drop(replace(compressed.report, accuracy=accuracy))


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"passes": ""}, "no passes"),
        ({"passes": "prune,qat"}, "qat"),
        ({"passes": "prune", "out": "small.tflite"}, "suffix"),
    ],
)
def test_what_cannot_end_in_a_keras_file_is_refused_at_once(tmp_path: Path, asked: dict[str, str], found: str) -> None:
    (tmp_path / "model.h5").write_bytes(b"never read")
    np.savez(tmp_path / "data.npz", x=np.zeros((20, 4), np.float32), y=np.arange(20) % 2)
    with pytest.raises(UsageError) as error:
        compress(tmp_path / "model.h5", data=str(tmp_path / "data.npz"), folder=tmp_path / "run", **asked)
    assert found in str(error.value)
    assert not (tmp_path / "run").exists()


def test_an_integer_model_is_told_where_to_go(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="passes need a Keras model") as error:
        compress(tmp_path / "model.tflite", passes="prune")
    assert "edgecompress shrink" in error.value.hint
