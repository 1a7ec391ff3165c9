"""Running .tflite files: quantization to the last bit, published outputs, and foreign files."""

import numpy as np
import pytest

from edgecompress import worker
from edgecompress.convert.evaluate import dequantize, quantize, run
from edgecompress.errors import DataError, EdgecompressError, ModelFileError

INT8 = np.dtype(np.int8)


def test_quantization_rounds_halves_away_from_zero_and_saturates():
    values = np.array([0.5, 1.5, -0.5, -1.5, 0.49, -0.49, 1000, -1000], np.float32)
    np.testing.assert_array_equal(quantize(values, 1.0, 0, INT8), [1, 2, -1, -2, 0, 0, 127, -128])
    np.testing.assert_array_equal(quantize(values, 1.0, -3, INT8)[:4], [-2, -1, -4, -5])


def test_quantization_is_the_inverse_of_dequantization():
    every = np.arange(-128, 128, dtype=np.int8)
    for scale, zero_point in ((0.58470291, 83), (1 / 256, -128), (3e-5, 7)):
        np.testing.assert_array_equal(quantize(dequantize(every, scale, zero_point), scale, zero_point, INT8), every)


def test_published_keyword_spotting_accuracy_is_reproduced(shared_data, tmp_path):
    data = np.load(shared_data / "eval" / "kws01_mfcc.npz")
    real = (data["x"][:200].astype(np.float32) - 83) * np.float32(0.58470291)
    np.savez(tmp_path / "x.npz", input_0=real, labels=data["y"][:200])
    model = shared_data / "models" / "mlperf_tiny" / "keyword_spotting" / "kws_ref_model.tflite"
    job = {"model": str(model), "inputs": str(tmp_path / "x.npz"), "output": str(tmp_path / "y.npz")}
    result = worker.call("edgecompress.convert.evaluate:run", job, log=tmp_path / "log.txt")
    stored = np.load(tmp_path / "y.npz")
    assert result["samples"] == 200
    assert result["labels"]
    assert result["saturated"] == 0
    assert (stored["real_0"].argmax(axis=1) == stored["labels"]).mean() == pytest.approx(0.89, abs=0.03)


def test_values_beyond_the_input_range_are_counted(shared_data, tmp_path):
    model = shared_data / "models" / "tflm" / "hello_world_int8.tflite"
    np.savez(tmp_path / "x.npz", input_0=np.array([[0.1], [100.0], [-100.0], [1.0]], np.float32))
    result = run({"model": model, "inputs": tmp_path / "x.npz", "output": tmp_path / "y.npz"})
    assert result["saturated"] == 0.5


def test_samples_of_another_shape_are_refused(shared_data, tmp_path):
    np.savez(tmp_path / "x.npz", input_0=np.zeros((3, 7), np.float32))
    model = shared_data / "models" / "tflm" / "hello_world_int8.tflite"
    with pytest.raises(DataError, match="shape"):
        run({"model": model, "inputs": tmp_path / "x.npz", "output": tmp_path / "y.npz"})


@pytest.mark.parametrize("size", [0, 7, 100, 3000])
def test_truncated_files_are_refused_in_the_worker(shared_data, tmp_path, size):
    content = (shared_data / "models" / "tflm" / "micro_speech_quantized.tflite").read_bytes()
    (tmp_path / "bad.tflite").write_bytes(content[:size])
    job = {"model": str(tmp_path / "bad.tflite"), "random": True, "output": str(tmp_path / "y.npz")}
    with pytest.raises(EdgecompressError):
        worker.call("edgecompress.convert.evaluate:run", job, log=tmp_path / "log.txt")


def test_a_model_that_litert_refuses_is_named(shared_data, tmp_path):
    job = {
        "model": shared_data / "models" / "tflm" / "person_detect.tflite",
        "random": True,
        "output": tmp_path / "y.npz",
    }
    with pytest.raises(ModelFileError, match=r"person_detect\.tflite: LiteRT refuses"):
        run(job)
