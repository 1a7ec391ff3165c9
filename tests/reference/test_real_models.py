"""Models that nobody here made: our NumPy operators give TFLM's bytes in every operator, and LiteRT's differences are known."""

from functools import cache

import numpy as np
import pytest

from edgecompress.errors import ToolError, UnsupportedError
from edgecompress.reference.compare import compare
from edgecompress.reference.executor import Job
from edgecompress.reference.inputs import hostile_inputs, random_inputs, real_inputs
from edgecompress.reference.integer import Integer
from edgecompress.reference.litert import Litert, rounds_fully_connected_once
from edgecompress.tflite import reader

MODELS = {
    "mlonmcu/qnn_model": "mnist",
    "mlperf_tiny/anomaly_detection/ad01_int8": None,
    "mlperf_tiny/image_classification/pretrainedResnet_quant": "cifar_raw",
    "mlperf_tiny/keyword_spotting/kws_ref_model": "mfcc",
    "mlperf_tiny/visual_wake_words/vww_96_int8": None,
    "mltk/anomaly_detection": None,
    "mltk/audio_example1": None,
    "mltk/autoencoder_example": None,
    "mltk/image_example1": None,
    "mltk/keyword_spotting_on_off": None,
    "mltk/tflite_micro_magic_wand": None,
    "mltk/tflite_micro_speech": None,
    "tflm/hello_world_int8": None,
    "tflm/micro_speech_quantized": None,
    "tflm/person_detect": None,
    "tflm/simple_add_model": None,
    "tinyengine/vww": None,
    "tinymaix/cifar10_q": "cifar",
    "tinymaix/mnist_dw_q": "mnist",
    "tinymaix/mnist_resnet_q": "mnist",
    "tinymaix/mnist_valid_q": "mnist",
}
"""Every fully-integer model there is, with the data it was made for where they are at hand."""

LITERT_REFUSES = {"tflm/person_detect"}
LITERT_LSB = {"mlperf_tiny/anomaly_detection/ad01_int8": 8, "mltk/anomaly_detection": 2}
"""The largest difference seen where FULLY_CONNECTED follows on FULLY_CONNECTED; elsewhere 1."""


def samples(folder, kind):
    """Real samples as the models take them."""
    if kind == "mfcc":
        return np.load(folder / "eval" / "kws01_mfcc.npz")["x"]
    if kind == "mnist":
        return np.load(folder / "datasets" / "mnist.npz")["x_test"].astype(np.float32) / 255
    raw = np.load(folder / "eval" / "ic01_cifar10_raw.npz")["x"]
    return raw if kind == "cifar_raw" else raw.astype(np.float32) / 255


def job(folder, name):
    """A model with 4 random and 4 hostile inputs, and 8 real ones where there are data."""
    path = folder / "models" / f"{name}.tflite"
    graph = reader.read(path)
    inputs = random_inputs(graph, 4) + hostile_inputs(graph)
    if MODELS[name] is not None:
        inputs += real_inputs(graph, samples(folder, MODELS[name]), 8)
    return graph, Job(path, tuple(inputs))


@pytest.fixture(scope="module")
def ran(shared_data):
    """By model name: its Graph, its job, TFLM's and LiteRT's answers; an executor runs all of them in one process."""
    from edgecompress.reference.tflm import Tflm

    if reason := Tflm().available():
        pytest.skip(reason)
    jobs = {name: job(shared_data, name) for name in MODELS}
    theirs = Tflm().run_jobs([job for _, job in jobs.values()])

    @cache
    def litert():
        if reason := Litert().available():
            pytest.skip(reason)
        return dict(zip(jobs, Litert().run_jobs([job for _, job in jobs.values()]), strict=True))

    return jobs, dict(zip(jobs, theirs, strict=True)), litert


@pytest.mark.parametrize("name", MODELS)
def test_numpy_gives_tflms_bytes_in_every_operator(ran, name):
    (graph, job), answer = ran[0][name], ran[1][name]
    assert answer.error is None
    found = compare(graph, answer.outputs, Integer().run(job.model, job.inputs))
    assert found.exact, found.first


@pytest.mark.parametrize("name", MODELS)
def test_litert_differs_only_after_fully_connected_and_by_the_lsb_seen(ran, name):
    (graph, _), answer, other = ran[0][name], ran[1][name], ran[2]()[name]
    if name in LITERT_REFUSES:
        assert isinstance(other.error, UnsupportedError)
        return
    found = compare(graph, answer.outputs, other.outputs)
    assert not found.missing
    assert found.max_lsb <= LITERT_LSB.get(name, 1)
    if not rounds_fully_connected_once():
        assert found.exact
    if found.first is not None:
        assert found.first.opcode == "FULLY_CONNECTED"


def test_the_comparison_is_not_one_of_constant_tensors(ran):
    for name, answer in ran[1].items():
        for index in answer.outputs[0]:
            values = np.concatenate([sample[index].reshape(-1) for sample in answer.outputs])
            assert len(np.unique(values)) > 1 or values.dtype == np.int32, f"{name} tensor {index}"


@pytest.mark.parametrize(
    "name",
    [
        "coral/mobilenet_v1_0.25_128_quant",
        "tflm/person_detect_vela",
        "mlperf_tiny/keyword_spotting/kws_ref_model_float32",
    ],
)
def test_models_that_tflm_refuses_are_unsupported_not_a_crash(shared_data, tflm, name):
    path = shared_data / "models" / f"{name}.tflite"
    with pytest.raises(UnsupportedError):
        tflm.run(path, random_inputs(reader.read(path), 1))


@pytest.mark.parametrize("name", ["mww/v2_vad", "mww/v2_hey_jarvis"])
def test_models_with_state_start_afresh_with_every_sample(shared_data, tflm, name):
    path = shared_data / "models" / f"{name}.tflite"
    samples = random_inputs(reader.read(path), 3)
    forward, backward = tflm.run(path, samples), tflm.run(path, samples[::-1])
    assert all(np.array_equal(a[i], b[i]) for a, b in zip(forward, backward[::-1], strict=True) for i in a)
    if Litert().available() is None:
        other = Litert().run(path, samples)
        assert (
            max(
                int(np.abs(a[i].astype(int) - b[i].astype(int)).max())
                for a, b in zip(forward, other, strict=True)
                for i in a
            )
            <= 1
        )


def test_a_model_that_aborts_litert_or_not_never_takes_this_process_along(shared_data):
    if reason := Litert().available():
        pytest.skip(reason)
    path = shared_data / "models" / "tflm" / "person_detect.tflite"
    with pytest.raises((UnsupportedError, ToolError)):
        Litert().run(path, random_inputs(reader.read(path), 1))
