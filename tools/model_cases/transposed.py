"""Cases of TRANSPOSE_CONV."""

from dataclasses import replace
from functools import partial
from typing import Any

from model_cases.case import Case
from model_cases.layers import SPREAD, Layer, add_weights, seeded
from model_cases.network import Network

PLAIN = Layer(input_shape=(1, 3, 4, 3), stride=(2, 2))

CHANGES: dict[str, dict[str, Any]] = {
    "same": {},
    "valid": {"padding": "VALID"},
    "stride_1": {"stride": (1, 1)},
    "stride_1_valid": {"stride": (1, 1), "padding": "VALID"},
    "twice_2x2": {"kernel": (2, 2)},
    "filter_smaller_than_stride": {"kernel": (1, 2), "stride": (2, 3)},
    "uneven": {"kernel": (4, 5), "stride": (3, 2)},
    "uneven_valid": {"kernel": (5, 2), "stride": (2, 3), "padding": "VALID"},
    "one_pixel": {"input_shape": (1, 1, 1, 5), "padding": "VALID"},
    "batch_2": {"input_shape": (2, 3, 2, 4), "filters": 3},
    "many_channels": {"input_shape": (1, 2, 3, 17), "filters": 9},
    "no_bias": {"bias": "none"},
    "per_tensor": {"spread": ()},
    "spread": {"spread": SPREAD, "filters": 7},
    "relu": {"activation": "RELU"},
    "relu6": {"activation": "RELU6", "output_zero": -128},
    "lowest_weights": {"weights": "lowest"},
    "zero_points_lowest": {"input_zero": -128, "output_zero": -128},
    "zero_points_highest": {"input_zero": 127, "output_zero": 127},
    "ties": {"input_scale": 1.0, "weight_scale": 1.0, "weights": "unit", "factor": 0.125, "spread": ()},
}


def transposed(layer: Layer) -> bytes:
    """The layer as a transposed convolution, whose output is as small as its stride and padding allow."""
    network, generator = Network(), seeded(layer)
    batch, *space, channels = layer.input_shape
    source = network.tensor(layer.input_shape, layer.input_scale, layer.input_zero)
    steps = zip(space, layer.stride, layer.kernel, strict=True)
    sizes = [size * step if layer.padding == "SAME" else (size - 1) * step + taps for size, step, taps in steps]
    operands, scale = add_weights(network, layer, (layer.filters, *layer.kernel, channels), 0, generator)
    shape = (batch, *sizes, layer.filters)
    result = network.tensor(shape, scale, layer.output_zero)
    fields = {"padding": layer.padding, "strideH": layer.stride[0], "strideW": layer.stride[1]}
    fields["fusedActivationFunction"] = layer.activation
    inputs = [network.integers(shape), operands[0], source, *operands[1:]]
    network.operator("TRANSPOSE_CONV", inputs, [result], "TransposeConv", 4, **fields)
    return network.file([source], [result])


CASES = [
    Case("TRANSPOSE_CONV", name, partial(transposed, replace(PLAIN, **change))) for name, change in CHANGES.items()
]
