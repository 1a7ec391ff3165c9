"""The proof of full-integer files: real ones pass, and each way not to be one is named."""

from dataclasses import replace

import numpy as np
import pytest

from edgecompress.convert.proof import check_full_integer
from edgecompress.errors import UnsupportedError
from edgecompress.tflite.graph import Graph, Operation, Quantization, Tensor
from edgecompress.tflite.reader import read

SCALE = Quantization((0.5,), (0,))


def tensor(index, name, dtype="int8", shape=(1, 4), data=None, quantization=SCALE):
    return Tensor(index, name, shape, np.dtype(dtype), quantization, data)


def dense_graph(**changes):
    """input -> FULLY_CONNECTED(weights, bias) -> output, with tensors replaced by name."""
    tensors = [
        tensor(0, "input"),
        tensor(
            1, "weights", shape=(4, 4), data=np.ones((4, 4), np.int8), quantization=Quantization((0.5,) * 4, (0,) * 4)
        ),
        tensor(2, "bias", "int32", (4,), np.zeros(4, np.int32)),
        tensor(3, "output"),
        tensor(4, "unused", "float32"),
    ]
    tensors = [replace(one, **changes.get(one.name, {})) for one in tensors]
    operation = Operation(0, changes.get("opcode", "FULLY_CONNECTED"), (0, 1, 2), (3,))
    return Graph({one.index: one for one in tensors}, (operation,), (0,), (3,), "")


def test_a_full_integer_graph_is_counted():
    proof = check_full_integer(dense_graph())
    assert proof.as_dict() == {
        "operations": 1,
        "int8_tensors": 3,
        "int32_biases": 1,
        "per_channel_weights": 1,
        "weight_bytes": 16,
        "bias_bytes": 16,
    }


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"input": {"dtype": np.dtype("float32")}}, 'input "input" is not int8'),
        ({"output": {"dtype": np.dtype("uint8")}}, 'output "output" is not int8'),
        ({"weights": {"dtype": np.dtype("float32")}}, 'FULLY_CONNECTED: "weights" is not int8'),
        ({"weights": {"data": None}}, 'the weights "weights" are computed at run time'),
        ({"weights": {"quantization": None}}, '"weights" has no scale'),
        ({"bias": {"dtype": np.dtype("float32")}}, 'the bias "bias" is no int32 constant'),
        ({"bias": {"dtype": np.dtype("int64")}}, 'the bias "bias" is no int32 constant'),
        ({"bias": {"data": None}}, "computed at run time"),
        ({"opcode": "ARG_MIN"}, "cluster centroids"),
        ({"opcode": "VAR_HANDLE"}, "unfinished compression"),
        ({"opcode": "DENSIFY"}, "sparse weights"),
        ({"opcode": "CUSTOM:FlexErf"}, "no plain operator"),
        ({"opcode": "DEQUANTIZE"}, "computes in float"),
        ({"opcode": "ADD"}, 'ADD: "bias" is not int8'),
        ({"opcode": "RESHAPE", "weights": {"dtype": np.dtype("int8")}}, "constant of integers"),
    ],
)
def test_each_broken_rule_is_named(changes, expected):
    with pytest.raises(UnsupportedError) as caught:
        check_full_integer(dense_graph(**changes))
    assert expected in str(caught.value)


FULL_INTEGER = [
    "mlperf_tiny/anomaly_detection/ad01_int8.tflite",
    "mlperf_tiny/image_classification/pretrainedResnet_quant.tflite",
    "mlperf_tiny/keyword_spotting/kws_ref_model.tflite",
    "mlperf_tiny/visual_wake_words/vww_96_int8.tflite",
    "tinymaix/mnist_resnet_q.tflite",
    "tinymaix/mnist_dw_q.tflite",
    "mltk/audio_example1.tflite",
    "tflm/hello_world_int8.tflite",
    "tflm/person_detect.tflite",
]
NOT_FULL_INTEGER = {
    "mlperf_tiny/image_classification/pretrainedResnet.tflite": "float32",
    "mltk/image_example1.tflite": "float32",
    "tflm/trained_lstm.tflite": "float32",
    "coral/mobilenet_v1_0.25_128_quant.tflite": "uint8",
    "tflm/keyword_scrambled.tflite": "int16",
}


@pytest.mark.parametrize("name", FULL_INTEGER)
def test_published_full_integer_files_pass(shared_data, name):
    graph = read(shared_data / "models" / name)
    assert check_full_integer(graph).operations == len(graph.operations)


@pytest.mark.parametrize("name", NOT_FULL_INTEGER)
def test_published_other_files_do_not(shared_data, name):
    with pytest.raises(UnsupportedError) as caught:
        check_full_integer(read(shared_data / "models" / name))
    assert NOT_FULL_INTEGER[name] in caught.value.found
