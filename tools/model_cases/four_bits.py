"""Cases of weights of four bits: FULLY_CONNECTED, CONV_2D and DEPTHWISE_CONV_2D."""

from collections.abc import Callable
from typing import Any

import numpy as np

from model_cases.case import Case
from model_cases.network import Network

INPUT = (0.05, 3)
RESULT = (0.2, -4)


def layer(
    opcode: str,
    shape: tuple[int, ...],
    target: tuple[int, ...],
    filter_shape: tuple[int, ...],
    scales: float | tuple[float, ...] = 0.021,
    **fields: Any,
) -> Callable[[], bytes]:
    """One operator with weights of all sixteen values."""

    def build() -> bytes:
        network, generator, outputs = Network(), np.random.default_rng(5), target[-1]
        axis = 3 if opcode == "DEPTHWISE_CONV_2D" else 0
        weights = generator.integers(-8, 8, filter_shape)
        weights.reshape(-1)[:2] = -8, 7
        source = network.tensor(shape, *INPUT)
        kernel = network.four_bits(filter_shape, scales, weights, axis)
        sums = np.asarray(scales) * INPUT[0]
        bias = network.tensor((outputs,), sums, 0, "INT32", data=generator.integers(-500, 500, outputs))
        result = network.tensor(target, *RESULT)
        network.operator(opcode, [source, kernel, bias], [result], OPTIONS[opcode], 5, **fields)
        return network.file([source], [result])

    return build


OPTIONS = {"CONV_2D": "Conv2D", "DEPTHWISE_CONV_2D": "DepthwiseConv2D", "FULLY_CONNECTED": "FullyConnected"}
NONE = {"fusedActivationFunction": "NONE"}
SAME = {"padding": "SAME", "strideW": 1, "strideH": 1, "fusedActivationFunction": "RELU"}
ONCE = "FULLY_CONNECTED rounds once since 1.3"

CASES = [
    Case("FULLY_CONNECTED", "four_bits", layer("FULLY_CONNECTED", (2, 24), (2, 6), (6, 24), **NONE), 1, ONCE),
    Case("FULLY_CONNECTED", "four_bits_odd", layer("FULLY_CONNECTED", (1, 9), (1, 7), (7, 9), **NONE), 1, ONCE),
    Case("CONV_2D", "four_bits", layer("CONV_2D", (1, 5, 6, 4), (1, 5, 6, 5), (5, 3, 3, 4), (0.01, 0.02, 0.3, 0.02, 0.01), **SAME)),
    Case("CONV_2D", "four_bits_odd", layer("CONV_2D", (1, 5, 6, 1), (1, 5, 6, 3), (3, 3, 3, 1), (0.01, 0.2, 0.02), **SAME)),
    Case(
        "DEPTHWISE_CONV_2D",
        "four_bits",
        layer("DEPTHWISE_CONV_2D", (1, 5, 6, 4), (1, 5, 6, 4), (1, 3, 3, 4), (0.01, 0.02, 0.3, 0.02), depthMultiplier=1, **SAME),
    ),
]  # fmt: skip
