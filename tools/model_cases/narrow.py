"""Cases of fused activations whose range is narrower than int8's, at its lower end, at its upper end and at both."""

from dataclasses import replace
from functools import partial
from typing import Any

from model_cases import elementwise
from model_cases.case import Case
from model_cases.convolutions import convolution_cases
from model_cases.layers import PLAIN, fully_connected
from model_cases.single import Operand
from model_cases.windows import pool

ENDS: dict[str, tuple[str, int]] = {
    "low": ("RELU", -5),
    "high": ("RELU6", -128),
    "high_linear": ("RELU_N1_TO_1", -125),
    "both": ("RELU_N1_TO_1", 20),
}
"""Activation and zero point of the output. Kernels have a form for the zero point of -128 and a linear one for all others."""

CONVOLUTIONS: dict[str, dict[str, Any]] = {
    "1x1": {"kernel": (1, 1), "input_shape": (1, 5, 5, 12), "filters": 6},
    "3x3_odd_channels": {"input_shape": (1, 3, 3, 7), "filters": 5},
    "one_pixel": {"kernel": (1, 1), "input_shape": (1, 1, 1, 8), "filters": 7},
    "four_tiles": {"input_shape": (1, 4, 4, 8), "filters": 6},
    "batch_2": {"kernel": (2, 2), "input_shape": (2, 3, 3, 5), "filters": 3},
}

DEPTHWISE: dict[str, dict[str, Any]] = {
    "3x3": {"input_shape": (1, 5, 7, 8)},
    "3x3_columns": {"input_shape": (1, 25, 5, 8)},
    "3x3_stride_2": {"input_shape": (1, 9, 7, 4), "stride": (2, 2)},
    "3x3_odd_channels": {"input_shape": (1, 5, 5, 5)},
    "5x5": {"kernel": (5, 5), "input_shape": (1, 7, 8, 4)},
    "5x5_stride_2_several_tiles": {"kernel": (5, 5), "input_shape": (1, 41, 22, 4), "stride": (2, 2)},
    "2x2_of_short_lines": {"kernel": (2, 2), "input_shape": (1, 4, 2, 4)},
    "one_channel_to_9": {"input_shape": (1, 5, 5, 1), "filters": 9},
}

SUMS = {
    "sum": (Operand((1, 5, 3, 3), 0.0313472, 7), Operand((1, 5, 3, 3), 0.0471213, -11)),
    "sum_with_constant": (Operand((1, 4, 3, 4), 0.031, 7), Operand((1, 4, 3, 4), 0.047, -11, constant=1)),
    "sum_of_row_and_column": (Operand((1, 4, 1, 5), 0.031, 7), Operand((1, 1, 3, 5), 0.047, -11)),
}


def narrowed(changes: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Every layer with every end."""
    return {
        f"narrow_{end}_{name}": {**change, "activation": activation, "output_zero": zero_point}
        for name, change in changes.items()
        for end, (activation, zero_point) in ENDS.items()
    }


CASES = [
    *convolution_cases("CONV_2D", PLAIN, narrowed(CONVOLUTIONS)),
    *convolution_cases("DEPTHWISE_CONV_2D", replace(PLAIN, filters=1), narrowed(DEPTHWISE)),
    *(
        Case(
            "FULLY_CONNECTED",
            name,
            partial(fully_connected, replace(PLAIN, **change)),
            2,
            "it rounds once since LiteRT 1.3",
        )
        for name, change in narrowed({"dense": {"input_shape": (1, 22), "filters": 9}}).items()
    ),
    *(
        Case("ADD", f"narrow_{end}_{name}", elementwise.model("ADD", a, b, 0.06, zero_point, activation))
        for name, (a, b) in SUMS.items()
        for end, (activation, zero_point) in ENDS.items()
    ),
    *(
        Case(opcode, f"narrow_{end}_of_8", pool(opcode, (1, 5, 4, 8), activation=activation, zero_point=zero_point))
        for opcode in ("AVERAGE_POOL_2D", "MAX_POOL_2D")
        for end, (activation, zero_point) in ENDS.items()
    ),
]
