"""Conversion in worker processes: deterministic, proven, as accurate as it ought to be, and clear when it fails."""

from pathlib import Path

import numpy as np
import pytest

from edgecompress import worker
from edgecompress.convert import keras_outputs, stage
from edgecompress.convert.agreement import compare, compare_files
from edgecompress.convert.layer_errors import align, layer_errors
from edgecompress.convert.lite import to_float, to_integer
from edgecompress.convert.proof import check_full_integer
from edgecompress.errors import DataError, UnsupportedError, UsageError
from edgecompress.load.runtime import keras2
from edgecompress.tflite.reader import read, read_bytes

CONVERT = "edgecompress.convert.stage:convert"
LITE = "edgecompress.convert.evaluate:run"


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> Path:
    """Keras models of this module: small, two inputs, with an operation that TFLite has no int8 form for."""
    folder = tmp_path_factory.mktemp("models")
    keras = keras2()
    keras.utils.set_random_seed(3)
    layers = keras.layers
    start = keras.Input((8, 8, 2), name="image")
    x = layers.Conv2D(4, 3, padding="same", activation="relu", name="conv")(start)
    x = layers.DepthwiseConv2D(3, name="depthwise")(x)
    x = layers.Flatten()(layers.MaxPooling2D()(x))
    keras.Model(start, layers.Dense(5, activation="softmax", name="dense")(x)).save(folder / "small.h5")
    b, a = keras.Input((3,), name="zebra"), keras.Input((4,), name="ant")
    hidden = layers.Dense(4, activation="relu")(b)
    keras.Model([b, a], layers.Concatenate()([layers.Add()([hidden, a]), a, b])).save(folder / "two.h5")
    volume = keras.Input((4, 4, 4, 1), name="volume")
    keras.Model(volume, layers.Flatten()(layers.Conv3D(2, 2, name="cube")(volume))).save(folder / "volume.h5")
    generator = np.random.default_rng(4)
    np.savez(folder / "images.npz", x=generator.uniform(-2, 3, (120, 8, 8, 2)).astype(np.float32), y=np.arange(120) % 5)
    return folder


def run(function, folder, **job):
    events = []
    result = worker.call(function, job, log=folder / "log.txt", on_event=events.append)
    return result, events


@pytest.mark.slow
def test_the_same_job_gives_the_same_bytes_in_two_processes(models, tmp_path):
    job = {"model": models / "small.h5", "data": str(models / "images.npz"), "float_output": tmp_path / "f.tflite"}
    first, events = run(CONVERT, tmp_path, output=tmp_path / "a.tflite", **job)
    float_bytes = (tmp_path / "f.tflite").read_bytes()
    second, _ = run(CONVERT, tmp_path, output=tmp_path / "b.tflite", **job)
    assert (tmp_path / "a.tflite").read_bytes() == (tmp_path / "b.tflite").read_bytes()
    assert (tmp_path / "f.tflite").read_bytes() == float_bytes
    assert first["sha256"] == second["sha256"]
    assert check_full_integer(read(tmp_path / "a.tflite")).as_dict() == first["proof"]
    assert first["calibration"]["kind"] == "data"
    assert -2 <= first["calibration"]["low"] < first["calibration"]["high"] <= 3
    steps = [event for event in events if event["kind"] == "progress" and event["stage"] == "calibrate"]
    assert steps[-1]["step"] == steps[-1]["total"] == first["calibration"]["samples"]
    assert first["operators"] == {
        "CONV_2D": 1, "DEPTHWISE_CONV_2D": 1, "FULLY_CONNECTED": 1, "MAX_POOL_2D": 1, "RESHAPE": 1, "SOFTMAX": 1,
    }  # fmt: skip
    assert [one["shape"] for one in first["inputs"]] == [[1, 8, 8, 2]]
    assert not list(tmp_path.glob(".*"))


@pytest.mark.slow
def test_random_calibration_is_the_same_every_time_and_warns(models, tmp_path):
    job = {"model": models / "small.h5", "random": True, "calibration_samples": 7}
    first, events = run(CONVERT, tmp_path, output=tmp_path / "a.tflite", **job)
    second = stage.convert({**job, "output": tmp_path / "b.tflite"})
    assert first["sha256"] == second["sha256"]
    assert first["calibration"]["samples"] == 7
    assert any(event["kind"] == "warning" and "accuracy is unknown" in event["text"] for event in events)


@pytest.mark.slow
def test_inputs_of_several_inputs_reach_the_right_ones(models, tmp_path):
    generator = np.random.default_rng(0)
    zebra, ant = generator.uniform(0, 1, (40, 3)), generator.uniform(-50, 0, (40, 4))
    np.savez(tmp_path / "x.npz", input_0=zebra.astype(np.float32), input_1=ant.astype(np.float32))
    job = {"model": models / "two.h5", "inputs": tmp_path / "x.npz"}
    stage.convert({**job, "output": tmp_path / "two.tflite"})
    keras_outputs.run({**job, "output": tmp_path / "keras.npz"})
    run(LITE, tmp_path, **job | {"model": tmp_path / "two.tflite", "output": tmp_path / "lite.npz"})
    found = compare_files(tmp_path / "keras.npz", tmp_path / "lite.npz")
    assert found.max_abs < 0.5
    assert found.cosine > 0.999


@pytest.mark.slow
def test_outputs_keep_the_order_of_the_model():
    layers = keras2().layers
    start = keras2().Input((4,))
    wide = layers.Dense(8, name="wide")(start)
    ends = [layers.Dense(2 + i, name=f"end_{i}")(wide if i % 3 else start) for i in range(11)]
    samples = [(np.full((1, 4), value, np.float32),) for value in (-1, 1)]
    for outputs in (ends, ends[::-1], [ends[3], wide, ends[0]]):
        model = keras2().Model(start, outputs)
        for content in (to_integer(model, lambda: iter(samples)), to_float(model)):
            graph = read_bytes(content)
            assert [graph.tensors[i].shape[1] for i in graph.outputs] == [one.shape[1] for one in outputs]


@pytest.mark.slow
def test_an_operation_without_int8_form_is_named(models, tmp_path):
    with pytest.raises(UnsupportedError) as caught:
        stage.convert({"model": models / "volume.h5", "random": True, "output": tmp_path / "out.tflite"})
    assert "CONV_3D" in caught.value.found
    assert "cube" in caught.value.found
    assert not (tmp_path / "out.tflite").exists()


@pytest.mark.slow
def test_an_operation_that_tflite_does_not_have_is_named():
    import tensorflow as tf

    keras = keras2()
    model = keras.Sequential([keras.Input((4,)), keras.layers.Lambda(tf.math.erf)])
    samples = [(np.ones((1, 4), np.float32) * i,) for i in range(3)]
    with pytest.raises(UnsupportedError) as caught:
        to_integer(model, lambda: iter(samples))
    assert caught.value.found == "Erf"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("job", "error", "expected"),
    [
        ({}, UsageError, "--random-calibration"),
        ({"data": "nothing.npz"}, DataError, "nothing.npz"),
        ({"inputs": "wrong.npz"}, DataError, "8x8x2"),
        ({"inputs": "nan.npz"}, DataError, "NaN"),
        ({"inputs": "flat.npz"}, DataError, "the same"),
        ({"inputs": "pickled.npz"}, DataError, "does not hold the inputs"),
        ({"inputs": "broken.npz"}, DataError, "does not hold the inputs"),
    ],
)
def test_bad_calibration_samples_are_refused(models, tmp_path, job, error, expected):
    images = np.random.default_rng(0).normal(size=(30, 8, 8, 2)).astype(np.float32)
    np.savez(tmp_path / "wrong.npz", input_0=images[:, :4])
    np.savez(tmp_path / "nan.npz", input_0=np.where(images > 3, np.nan, images))
    np.savez(tmp_path / "flat.npz", input_0=np.ones_like(images))
    np.savez(tmp_path / "pickled.npz", input_0=np.array([{"a": 1}], dtype=object))
    (tmp_path / "broken.npz").write_bytes(b"PK\x03\x04")
    job = {key: str(tmp_path / value) for key, value in job.items()}
    with pytest.raises(error) as caught:
        stage.convert({"model": models / "small.h5", "output": tmp_path / "out.tflite", **job})
    assert expected in str(caught.value)
    assert not (tmp_path / "out.tflite").exists()


@pytest.mark.slow
def test_quantization_aware_models_convert(models, tmp_path):
    tfmot = pytest.importorskip("tensorflow_model_optimization")
    keras = keras2()
    model = keras.models.load_model(models / "small.h5")
    aware = tfmot.quantization.keras.quantize_model(model)
    aware.compile("adam", "mse")
    data = np.load(models / "images.npz")
    aware.fit(data["x"], np.eye(5)[data["y"]], epochs=1, verbose=0)
    aware.save(tmp_path / "aware.h5", include_optimizer=False)
    job = {"model": tmp_path / "aware.h5", "quantized": True, "data": str(models / "images.npz")}
    result = stage.convert({**job, "output": tmp_path / "aware.tflite"})
    assert result["proof"]["int8_tensors"] > 0
    with pytest.raises(UnsupportedError, match="wrappers"):
        stage.convert({**job, "quantized": False, "output": tmp_path / "x.tflite"})


@pytest.mark.slow
def test_published_resnet_keeps_its_accuracy(shared_data, tmp_path):
    model = shared_data / "models" / "mlperf_tiny" / "image_classification" / "pretrainedResnet.h5"
    raw = np.load(shared_data / "eval" / "ic01_cifar10_raw.npz")
    np.savez(tmp_path / "test.npz", input_0=raw["x"].astype(np.float32), labels=raw["y"])
    calibration = np.load(shared_data / "datasets" / "cifar10_png_train_first200.npz")["x"].astype(np.float32)
    np.savez(tmp_path / "calibration.npz", input_0=calibration)
    result, _ = run(
        CONVERT, tmp_path, model=model, inputs=tmp_path / "calibration.npz",
        output=tmp_path / "int8.tflite", float_output=tmp_path / "float.tflite",
    )  # fmt: skip
    assert result["calibration"]["samples"] == 200
    assert result["inputs"][0]["scale"] == pytest.approx(1.0, rel=1e-3)
    test = {"inputs": tmp_path / "test.npz"}
    keras_outputs.run({"model": model, "output": tmp_path / "keras.npz", **test})
    run(LITE, tmp_path, model=tmp_path / "int8.tflite", output=tmp_path / "int8.npz", **test)
    run(LITE, tmp_path, model=tmp_path / "float.tflite", output=tmp_path / "float.npz", kernels="fast", **test)
    assert accuracy(tmp_path / "keras.npz") == pytest.approx(0.892, abs=0.001)
    assert accuracy(tmp_path / "int8.npz") > 0.85
    assert compare_files(tmp_path / "keras.npz", tmp_path / "float.npz").max_abs < 1e-4
    found = compare_files(tmp_path / "keras.npz", tmp_path / "int8.npz")
    assert found.cosine > 0.98
    assert 0 < found.rmse < 0.06
    stored = np.load(tmp_path / "int8.npz")
    assert stored["output_0"].dtype == np.int8
    step, zero = result["outputs"][0]["scale"], result["outputs"][0]["zero_point"]
    np.testing.assert_array_equal(stored["real_0"], (stored["output_0"].astype(np.float32) - zero) * np.float32(step))


@pytest.mark.slow
def test_visual_wake_words_converts_with_random_calibration(shared_data, tmp_path):
    model = shared_data / "models" / "mlperf_tiny" / "visual_wake_words" / "vww_96.h5"
    result = stage.convert(
        {"model": model, "random": True, "calibration_samples": 4, "output": tmp_path / "vww.tflite"}
    )
    published = read(model.with_name("vww_96_int8.tflite"))
    ours = read(tmp_path / "vww.tflite")
    shapes = [ours.results(op)[0].shape for op in ours.operations if "CONV" in op.opcode]
    assert shapes == [published.results(op)[0].shape for op in published.operations if "CONV" in op.opcode]
    assert result["proof"]["per_channel_weights"] >= 27


@pytest.mark.slow
def test_the_layer_that_was_spoilt_is_the_one_that_lost_most(models, tmp_path):
    keras = keras2()
    model = keras.models.load_model(models / "small.h5")
    images = np.load(models / "images.npz")["x"]
    np.savez(tmp_path / "x.npz", input_0=images)
    stage.convert({"model": models / "small.h5", "inputs": tmp_path / "x.npz", "output": tmp_path / "int8.tflite"})
    kernel, bias = model.get_layer("depthwise").get_weights()
    model.get_layer("depthwise").set_weights([kernel[::-1], bias + 1])
    model.save(tmp_path / "other.h5")
    job = {"model": tmp_path / "other.h5", "inputs": tmp_path / "x.npz", "float_output": tmp_path / "float.tflite"}
    stage.convert({**job, "output": tmp_path / "other.tflite"})
    samples = [(image,) for image in images[:6]]
    good = layer_errors(tmp_path / "other.tflite", tmp_path / "float.tflite", samples)
    assert {one.op for one in good} == {
        "CONV_2D",
        "DEPTHWISE_CONV_2D",
        "FULLY_CONNECTED",
        "MAX_POOL_2D",
        "RESHAPE",
        "SOFTMAX",
    }
    assert all(one.snr_db > 25 and one.cosine > 0.99 for one in good)
    spoilt = layer_errors(tmp_path / "int8.tflite", tmp_path / "float.tflite", samples)
    assert spoilt[0].op == "DEPTHWISE_CONV_2D"
    assert spoilt[0].snr_db < 10
    by_op = {one.op: one for one in spoilt}
    assert by_op["CONV_2D"].snr_db > 25


def test_operators_are_aligned_across_extra_ones(shared_data):
    folder = shared_data / "models" / "mltk"
    integer, floating = read(folder / "image_example1.tflite"), read(folder / "image_example1.float32.tflite")
    pairs = align(integer, floating)
    assert len(pairs) == len(floating.operations)
    assert all(a.opcode == b.opcode for a, b in pairs)


def test_agreement_of_a_model_with_itself_is_complete():
    x = np.random.default_rng(0).normal(size=(5, 7))
    assert compare(x, x).rmse == 0


def accuracy(path):
    stored = np.load(path)
    return float((stored["real_0"].argmax(axis=1) == stored["labels"]).mean())
