"""Cases of shapes that kernels for vectors treat apart: whole and partial vectors of channels, tiles of pixels, runs of inputs."""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from model_cases.case import Case
from model_cases.convolutions import convolution_cases
from model_cases.layers import PLAIN, fully_connected
from model_cases.network import Network
from model_cases.windows import pool

CONVOLUTIONS: dict[str, dict[str, Any]] = {
    "vectors_2": {"input_shape": (1, 5, 7, 16), "filters": 16},
    "vectors_3": {"input_shape": (1, 4, 5, 8), "filters": 24},
    "vectors_5_and_a_half": {"input_shape": (1, 1, 1, 20), "filters": 44, "kernel": (1, 1)},
    "runs_of_1_quad": {"input_shape": (1, 9, 6, 1), "filters": 9, "kernel": (5, 4), "stride": (2, 2)},
    "runs_of_2_quads": {"input_shape": (1, 5, 6, 2), "filters": 17},
    "runs_of_3_quads": {"input_shape": (1, 6, 6, 3), "filters": 8, "stride": (2, 2)},
    "runs_of_5_quads_valid": {"input_shape": (1, 5, 6, 10), "filters": 18, "kernel": (2, 2), "padding": "VALID"},
    "runs_of_8_quads_in_place": {"input_shape": (1, 5, 6, 16), "filters": 9, "kernel": (2, 2), "padding": "VALID"},
    "runs_of_taps": {"input_shape": (2, 7, 6, 5), "filters": 17, "dilation": (1, 2)},
    "pixels_2": {"input_shape": (1, 1, 2, 16), "filters": 33, "kernel": (1, 1)},
    "pixels_7_of_two_batches": {"input_shape": (2, 7, 1, 9), "filters": 10, "kernel": (1, 1)},
    "input_beyond_the_filters": {"input_shape": (1, 8, 8, 4), "filters": 8, "kernel": (2, 2), "stride": (5, 5)},
}

DEPTHWISE: dict[str, dict[str, Any]] = {
    "channels_8": {"input_shape": (1, 5, 6, 8)},
    "channels_13": {"input_shape": (1, 5, 6, 13)},
    "channels_16": {"input_shape": (1, 5, 6, 16), "stride": (2, 2)},
    "channels_40": {"input_shape": (2, 4, 5, 40)},
    "channels_29_valid": {"input_shape": (1, 5, 6, 29), "padding": "VALID"},
    "taps_1": {"input_shape": (1, 4, 3, 17), "kernel": (1, 1)},
    "taps_4": {"input_shape": (1, 5, 4, 9), "kernel": (2, 2)},
    "taps_25": {"input_shape": (1, 6, 5, 18), "kernel": (5, 5)},
    "dilated": {"input_shape": (1, 7, 8, 16), "dilation": (2, 3)},
    "one_channel_to_20": {"input_shape": (1, 8, 7, 1), "filters": 20},
    "channels_24_per_tensor": {"input_shape": (1, 4, 4, 24), "spread": (), "activation": "RELU6"},
}

DENSE: dict[str, dict[str, Any]] = {
    "vectors_5": {"input_shape": (1, 64), "filters": 40},
    "vectors_4_and_a_bit": {"input_shape": (1, 23), "filters": 33},
    "rows_5": {"input_shape": (5, 18), "filters": 19},
    "rows_4_per_channel": {"input_shape": (4, 48), "filters": 16, "spread": (1.0, 0.6, 1.7)},
}

POOLS: dict[str, dict[str, Any]] = {
    "vectors_1": {"shape": (1, 6, 5, 8), "padding": "SAME", "kernel": (3, 3), "activation": "RELU"},
    "vectors_2_and_a_bit": {"shape": (2, 6, 5, 21), "kernel": (3, 2), "activation": "RELU_N1_TO_1"},
}


def halves(depthwise: bool) -> bytes:
    """Factors that are powers of two: many scaled sums lie exactly between two outputs, of either sign."""
    network, channels = Network(), 16
    generator = np.random.default_rng(16)
    shape = (1, 1, 1, channels) if depthwise else (channels, 1, 1, channels)
    scales = np.float32(2.0) ** -(1 + np.arange(channels, dtype=np.float32) % 8)
    source = network.tensor((1, 4, 4, channels), 1.0, 1)
    values = generator.integers(-2, 2, shape, np.int8, endpoint=True)
    weights = network.tensor(shape, scales, axis=3 if depthwise else 0, data=values)
    bias = network.tensor([channels], scales, dtype="INT32", data=generator.integers(-9, 9, channels, np.int32))
    result = network.tensor((1, 4, 4, channels), 1.0, 0)
    opcode, options = ("DEPTHWISE_CONV_2D", "DepthwiseConv2D") if depthwise else ("CONV_2D", "Conv2D")
    fields: dict[str, Any] = {
        "padding": "VALID",
        "strideH": 1,
        "strideW": 1,
        "dilationHFactor": 1,
        "dilationWFactor": 1,
    }
    multiplier = {"depthMultiplier": 1} if depthwise else {}
    network.operator(opcode, [source, weights, bias], [result], options, 3, **multiplier, **fields)
    return network.file([source], [result])


CASES = [
    *convolution_cases("CONV_2D", PLAIN, CONVOLUTIONS),
    *convolution_cases("DEPTHWISE_CONV_2D", replace(PLAIN, filters=1), DEPTHWISE),
    *(
        Case(
            "FULLY_CONNECTED",
            name,
            partial(fully_connected, replace(PLAIN, **{"spread": (), **change})),
            2,
            "it rounds once since LiteRT 1.3",
        )
        for name, change in DENSE.items()
    ),
    *(Case("AVERAGE_POOL_2D", name, pool("AVERAGE_POOL_2D", **change)) for name, change in POOLS.items()),
    Case("CONV_2D", "halves", partial(halves, False)),
    Case("DEPTHWISE_CONV_2D", "halves", partial(halves, True)),
]
