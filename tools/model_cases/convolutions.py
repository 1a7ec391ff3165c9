"""Cases of CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED."""

from dataclasses import replace
from functools import partial
from typing import Any

from model_cases.case import LITERT_REFUSES, Case
from model_cases.layers import PLAIN, SPREAD, Layer, convolution, fully_connected, product_of_scales

LITTLE: dict[str, Any] = {"weights": "unit", "kernel": (1, 1), "input_shape": (1, 5, 6, 2)}
"""Accumulators so small that multipliers above 1 do not saturate every output."""

ARITHMETIC: dict[str, dict[str, Any]] = {
    "per_tensor": {"spread": ()},
    "per_channel_extreme_scales": {"spread": SPREAD, "filters": 7},
    "relu": {"activation": "RELU"},
    "relu6": {"activation": "RELU6", "gain": 60.0},
    "relu_n1_to_1": {"activation": "RELU_N1_TO_1", "gain": 70.0},
    "relu_at_lowest_zero_point": {"activation": "RELU", "output_zero": -128},
    "zero_points_lowest": {"input_zero": -128, "output_zero": -128},
    "zero_points_highest": {"input_zero": 127, "output_zero": 127},
    "zero_points_opposite": {"input_zero": -128, "output_zero": 127},
    "weights_lowest": {"weights": "lowest", "gain": 10.0},
    "weights_highest": {"weights": "highest", "input_zero": -128, "gain": 10.0},
    "weights_zero": {"weights": "zero"},
    "positive_shift": {**LITTLE, "gain": 150.0},
    "positive_shift_per_tensor": {**LITTLE, "gain": 300.0, "spread": ()},
    "large_positive_shift": {**LITTLE, "gain": 1e4, "spread": SPREAD, "filters": 7},
    "strongly_negative_shift": {"bias": "large", "gain": 0.0001},
    "strongly_negative_shift_of_small_sums": {"gain": 0.0001, "output_zero": 126},
    "saturating": {"gain": 900.0},
    "tiny_scales": {"input_scale": 1e-7, "weight_scale": 1e-7},
    "huge_scales": {"input_scale": 1e5, "weight_scale": 1e6},
    "no_bias": {"bias": "none"},
    "absent_bias": {"bias": "absent"},
    "one_filter": {"filters": 1},
    "one_input_channel": {"input_shape": (1, 5, 6, 1)},
}
"""Variations that concern the arithmetic, for every layer with weights."""

GEOMETRY: dict[str, dict[str, Any]] = {
    "same": {},
    "valid": {"padding": "VALID"},
    "kernel_1x1": {"kernel": (1, 1)},
    "kernel_1x1_stride_2": {"kernel": (1, 1), "stride": (2, 2)},
    "kernel_1x5": {"kernel": (1, 5)},
    "kernel_2x2_same": {"kernel": (2, 2)},
    "kernel_larger_than_input": {"kernel": (7, 9), "input_shape": (1, 3, 4, 2)},
    "kernel_is_input": {"kernel": (5, 6), "padding": "VALID"},
    "stride_2_same": {"stride": (2, 2)},
    "stride_2_valid": {"stride": (2, 2), "padding": "VALID"},
    "stride_3x1_same": {"stride": (3, 1), "input_shape": (1, 8, 5, 2)},
    "stride_larger_than_kernel": {"stride": (4, 3), "kernel": (2, 2), "input_shape": (1, 9, 10, 3)},
    "dilation_2_same": {"dilation": (2, 2), "input_shape": (1, 7, 8, 2)},
    "dilation_3x2_valid": {"dilation": (3, 2), "padding": "VALID", "input_shape": (1, 9, 8, 2)},
    "batch_2": {"input_shape": (2, 4, 3, 2)},
    "odd_channels": {"input_shape": (1, 4, 4, 7), "filters": 5},
    "many_channels": {"input_shape": (1, 3, 3, 33), "filters": 18},
    "one_pixel": {"input_shape": (1, 1, 1, 8)},
    "one_row": {"input_shape": (1, 1, 12, 3)},
}
"""Variations of the window, for both convolutions."""

SIZES: dict[str, dict[str, Any]] = {
    "channels_15_to_16": {"input_shape": (1, 4, 5, 15), "filters": 16, "kernel": (1, 1)},
    "channels_16_to_17": {"input_shape": (1, 4, 5, 16), "filters": 17, "kernel": (1, 1)},
    "channels_17_to_33": {"input_shape": (1, 4, 4, 17), "filters": 33, "kernel": (1, 1)},
    "channels_32_to_15": {"input_shape": (1, 3, 5, 32), "filters": 15, "kernel": (1, 1), "activation": "RELU"},
    "channels_48_to_3": {"input_shape": (1, 3, 5, 48), "filters": 3, "kernel": (1, 1)},
    "channels_64_to_65": {"input_shape": (1, 2, 2, 64), "filters": 65, "kernel": (1, 1)},
    "channels_79_to_130": {"input_shape": (1, 2, 2, 79), "filters": 130, "kernel": (1, 1), "activation": "RELU6"},
    "channels_16_same": {"input_shape": (1, 5, 7, 16), "filters": 16, "activation": "RELU"},
    "channels_1_kernel_10x4_stride_2": {
        "input_shape": (1, 13, 10, 1),
        "filters": 18,
        "kernel": (10, 4),
        "stride": (2, 2),
        "input_zero": 83,
    },
    "kernel_1x1_dilation_2": {"kernel": (1, 1), "dilation": (2, 2)},
    "channels_16_stride_2": {"input_shape": (1, 9, 11, 16), "filters": 6, "stride": (2, 2), "activation": "RELU"},
    "channels_16_valid": {"input_shape": (2, 5, 8, 16), "filters": 6, "padding": "VALID"},
    "channels_40_kernel_1x3": {"input_shape": (1, 4, 7, 40), "filters": 66, "kernel": (1, 3)},
    "channels_40_kernel_3x1_dilation_2": {"input_shape": (1, 8, 7, 40), "kernel": (3, 1), "dilation": (2, 1)},
    "channels_33_dilation_2_stride_1": {"input_shape": (1, 6, 6, 33), "filters": 5, "dilation": (2, 2)},
    "channels_17_stride_3_valid": {"input_shape": (1, 8, 9, 17), "stride": (3, 3), "padding": "VALID"},
}
"""Depths and channels on both sides of the sizes of vectors and blocks, for CONV_2D."""

GROUPED: dict[str, dict[str, Any]] = {
    "two_groups": {"groups": 2, "input_shape": (1, 5, 5, 4), "filters": 6},
    "groups_of_one_channel": {"groups": 3, "input_shape": (1, 4, 4, 3), "filters": 6},
}

EIGHTS: dict[str, dict[str, Any]] = {
    "filters_8": {"filters": 8},
    "filters_8_kernel_1x1": {"filters": 8, "kernel": (1, 1), "input_shape": (1, 5, 5, 12)},
    "filters_8_one_channel_valid": {"filters": 8, "kernel": (2, 5), "padding": "VALID", "input_shape": (1, 6, 9, 1)},
    "filters_16_five_channels_stride_2": {"filters": 16, "stride": (2, 2), "input_shape": (1, 7, 9, 5)},
    "filters_17_stride_3": {"filters": 17, "stride": (3, 3), "input_shape": (1, 10, 11, 3)},
    "filters_16_dilation_2": {"filters": 16, "dilation": (2, 2), "input_shape": (1, 7, 8, 4)},
    "filters_9_batch_2": {"filters": 9, "input_shape": (2, 3, 3, 4)},
    "filters_8_one_pixel": {"filters": 8, "input_shape": (1, 1, 1, 8)},
    "filters_8_relu": {"filters": 8, "activation": "RELU", "output_zero": -128},
    "filters_8_relu6": {"filters": 8, "activation": "RELU6", "gain": 60.0},
    "filters_8_zero_points_highest": {"filters": 8, "input_zero": 127, "output_zero": 127},
    "filters_8_zero_points_opposite": {"filters": 8, "input_zero": -128, "output_zero": 127},
    "filters_8_saturating": {"filters": 8, "gain": 900.0},
    "filters_8_few_steps": {"filters": 8, "gain": 0.5},
    "filters_8_weights_lowest": {"filters": 8, "weights": "lowest", "gain": 10.0},
    "filters_8_weights_highest": {"filters": 8, "weights": "highest", "gain": 10.0},
    "filters_8_deep_weights_unit": {"filters": 8, "weights": "unit", "input_shape": (1, 3, 3, 131)},
    "filters_16_extreme_scales": {"filters": 16, "spread": SPREAD},
    "filters_16_per_tensor": {"filters": 16, "spread": ()},
}
"""Variations for kernels that take eight output channels at a time."""

MULTIPLIED: dict[str, dict[str, Any]] = {
    "multiplier_1": {"filters": 1},
    "multiplier_2_one_channel": {"filters": 2, "input_shape": (1, 5, 5, 1)},
    "multiplier_8_one_channel_stride_2": {
        "filters": 8,
        "input_shape": (1, 9, 5, 1),
        "kernel": (4, 3),
        "stride": (2, 2),
    },
    "multiplier_1_channels_16": {"filters": 1, "input_shape": (1, 4, 4, 16)},
    "multiplier_1_channels_19_stride_2": {"filters": 1, "input_shape": (1, 5, 5, 19), "stride": (2, 2)},
    "multiplier_1_valid_per_tensor": {"filters": 1, "padding": "VALID", "spread": ()},
    "multiplier_1_dilation_2": {"filters": 1, "dilation": (2, 2), "input_shape": (1, 7, 8, 5)},
    "multiplier_1_stride_3": {"filters": 1, "stride": (3, 3), "input_shape": (1, 8, 10, 3)},
    "multiplier_1_batch_2": {"filters": 1, "input_shape": (2, 3, 5, 4)},
    "multiplier_1_relu6": {"filters": 1, "activation": "RELU6", "gain": 60.0},
    "multiplier_1_zero_points_highest": {"filters": 1, "input_zero": 127, "output_zero": 127},
    "multiplier_1_zero_points_opposite": {"filters": 1, "input_zero": -128, "output_zero": 127},
    "multiplier_1_weights_lowest": {"filters": 1, "weights": "lowest", "gain": 10.0},
    "multiplier_1_weights_highest": {"filters": 1, "weights": "highest", "gain": 10.0},
    "multiplier_1_saturating": {"filters": 1, "gain": 900.0},
    "multiplier_1_extreme_scales": {"filters": 1, "spread": SPREAD, "input_shape": (1, 4, 4, 14)},
    "multiplier_1_many_taps": {"filters": 1, "kernel": (7, 5), "input_shape": (1, 8, 8, 4)},
    "multiplier_1_25x5_valid": {"filters": 1, "kernel": (5, 2), "padding": "VALID", "input_shape": (1, 8, 3, 6)},
}

LOWEST: dict[str, Any] = {"output_zero": -128, "activation": "RELU"}
"""What lets kernels drop the rounding of negative numbers."""

BLOCKED: dict[str, dict[str, Any]] = {
    **{f"{pixels}_pixels": {"kernel": (1, 1), "input_shape": (1, 1, pixels, 12)} for pixels in range(2, 9)},
    **{
        f"depth_{depth}_relu": {"kernel": (1, 1), "input_shape": (1, 2, 3, depth), **LOWEST}
        for depth in (4, 8, 36, 132)
    },
    "odd_row_of_filter": {"kernel": (3, 3), "input_shape": (1, 6, 7, 3), "filters": 6, **LOWEST},
    "row_of_filter_15": {"kernel": (2, 5), "input_shape": (1, 6, 9, 3), "padding": "VALID"},
    "eight_tiles": {"input_shape": (1, 8, 4, 4), "filters": 2},
    "four_tiles_relu": {"input_shape": (1, 2, 8, 8), "filters": 6, **LOWEST},
    "sixteen_tiles_valid": {"input_shape": (1, 10, 10, 12), "filters": 4, "padding": "VALID", "input_zero": 127},
    "tiles_batch_2": {"input_shape": (2, 4, 4, 4), "filters": 4, "input_zero": -128},
    "tiles_weights_lowest": {"input_shape": (1, 4, 4, 8), "weights": "lowest", "gain": 10.0},
}
"""Variations of what kernels for several pixels, channels and inputs at a time treat differently, for CONV_2D."""

LINES: dict[str, dict[str, Any]] = {
    f"3x3_{name}": {"filters": 1, **change}
    for name, change in {
        "one_pixel": {"input_shape": (1, 1, 1, 4)},
        **{f"width_{width}": {"input_shape": (1, 3, width, 4)} for width in (2, 3, 4, 5, 6, 7, 8)},
        "columns": {"input_shape": (1, 25, 5, 8), **LOWEST},
        "columns_zero_point_highest": {"input_shape": (1, 12, 3, 4), "input_zero": 127},
        "several_tiles": {"input_shape": (1, 31, 13, 4)},
        "several_tiles_relu": {"input_shape": (1, 40, 8, 4), **LOWEST},
        "valid": {"input_shape": (1, 7, 9, 8), "padding": "VALID"},
        "valid_several_tiles": {"input_shape": (1, 30, 12, 4), "padding": "VALID", **LOWEST},
        "stride_2_even": {"input_shape": (1, 8, 8, 4), "stride": (2, 2)},
        "stride_2_odd": {"input_shape": (1, 9, 7, 8), "stride": (2, 2), **LOWEST},
        "stride_2_valid": {"input_shape": (1, 10, 13, 4), "stride": (2, 2), "padding": "VALID"},
        "stride_2_several_tiles": {"input_shape": (1, 40, 26, 4), "stride": (2, 2), **LOWEST},
        "stride_2_one_pixel": {"input_shape": (1, 2, 2, 4), "stride": (2, 2)},
        "batch_2": {"input_shape": (2, 5, 6, 4)},
        "stride_2_batch_2": {"input_shape": (2, 6, 5, 4), "stride": (2, 2)},
        "weights_lowest": {"input_shape": (1, 4, 5, 4), "weights": "lowest", "gain": 10.0},
        "extreme_scales": {"input_shape": (1, 4, 5, 8), "spread": SPREAD},
    }.items()
}
"""Variations of depthwise filters of 3 x 3 that go over lines."""

FILTERS: dict[str, dict[str, Any]] = {
    f"filter_{name}": {"filters": 1, **change}
    for name, change in {
        "5x5": {"kernel": (5, 5), "input_shape": (1, 9, 11, 8)},
        "5x5_relu": {"kernel": (5, 5), "input_shape": (1, 7, 8, 4), **LOWEST},
        "5x5_columns": {"kernel": (5, 3), "input_shape": (1, 24, 5, 4)},
        "7x7_small": {"kernel": (7, 7), "input_shape": (1, 3, 4, 4), "input_zero": 127},
        "1x5": {"kernel": (1, 5), "input_shape": (1, 1, 30, 8), **LOWEST},
        "5x1": {"kernel": (5, 1), "input_shape": (1, 30, 1, 8)},
        "1x1": {"kernel": (1, 1), "input_shape": (1, 5, 3, 4)},
        "2x2_valid": {"kernel": (2, 2), "input_shape": (1, 6, 7, 4), "padding": "VALID"},
        "4x6_valid_several_tiles": {"kernel": (4, 6), "input_shape": (1, 30, 18, 4), "padding": "VALID"},
        "5x5_stride_2": {"kernel": (5, 5), "input_shape": (1, 12, 13, 4), "stride": (2, 2)},
        "5x5_stride_2_relu": {"kernel": (5, 5), "input_shape": (1, 11, 10, 8), "stride": (2, 2), **LOWEST},
        "3x4_stride_2_several_tiles": {"kernel": (3, 4), "input_shape": (1, 41, 22, 4), "stride": (2, 2)},
        "2x3_stride_2_batch_2": {"kernel": (2, 3), "input_shape": (2, 6, 7, 4), "stride": (2, 2), "padding": "VALID"},
        "5x5_weights_lowest": {"kernel": (5, 5), "input_shape": (1, 6, 6, 4), "weights": "lowest", "gain": 10.0},
        "15x15": {"kernel": (15, 15), "input_shape": (1, 16, 16, 4)},
    }.items()
}
"""Variations of depthwise filters of any size."""

ONE_EACH: dict[str, dict[str, Any]] = {
    "each_1": {"input_shape": (1, 4, 5, 1)},
    "each_1_wide_valid": {"input_shape": (1, 4, 37, 1), "padding": "VALID"},
    "each_2_dilation_2": {"input_shape": (1, 6, 23, 2), "dilation": (2, 2)},
    "each_4": {"input_shape": (1, 5, 12, 4), "activation": "RELU"},
    "each_8_valid": {"input_shape": (2, 4, 7, 8), "padding": "VALID"},
    "each_8_stride_2x1": {"input_shape": (1, 7, 7, 8), "stride": (2, 1)},
    "each_3": {"input_shape": (1, 4, 5, 3)},
    "each_15_relu": {"input_shape": (1, 4, 5, 15), "activation": "RELU"},
    "each_16_stride_2": {"input_shape": (1, 6, 5, 16), "stride": (2, 2)},
    "each_17_stride_3_valid": {"input_shape": (1, 8, 7, 17), "stride": (3, 3), "padding": "VALID"},
    "each_33_dilation_2": {"input_shape": (1, 6, 5, 33), "dilation": (2, 2)},
    "each_32_dilation_3x2_valid": {"input_shape": (1, 8, 7, 32), "dilation": (3, 2), "padding": "VALID"},
    "each_48_one_pixel": {"input_shape": (1, 1, 1, 48)},
    "each_20_batch_2_relu6": {"input_shape": (2, 3, 3, 20), "activation": "RELU6", "gain": 60.0},
    "each_18_relu_n1_to_1": {"input_shape": (1, 3, 4, 18), "activation": "RELU_N1_TO_1", "gain": 70.0},
    "each_16_per_tensor": {"input_shape": (1, 4, 4, 16), "spread": ()},
    "each_16_kernel_5x5": {"input_shape": (1, 6, 6, 16), "kernel": (5, 5)},
    "each_16_kernel_2x2": {"input_shape": (1, 4, 4, 16), "kernel": (2, 2)},
    "each_16_kernel_1x1": {"input_shape": (1, 4, 4, 16), "kernel": (1, 1)},
    "each_8_kernel_7x9": {"input_shape": (1, 3, 4, 8), "kernel": (7, 9)},
    "each_21_zero_points_lowest": {"input_shape": (1, 4, 4, 21), "input_zero": -128, "output_zero": -128},
    "each_21_zero_points_highest": {"input_shape": (1, 4, 4, 21), "input_zero": 127, "output_zero": 127},
    "each_16_weights_lowest": {"input_shape": (1, 4, 4, 16), "weights": "lowest", "gain": 10.0},
    "each_16_weights_highest": {"input_shape": (1, 4, 4, 16), "weights": "highest", "input_zero": -128, "gain": 10.0},
    "each_16_saturating": {"input_shape": (1, 4, 4, 16), "gain": 900.0},
    "each_16_no_bias": {"input_shape": (1, 4, 4, 16), "bias": "none"},
    "each_19_extreme_scales": {"input_shape": (1, 4, 4, 19), "spread": SPREAD},
}
"""One output channel per input channel, for DEPTHWISE_CONV_2D."""

DENSE: dict[str, dict[str, Any]] = {
    "plain": {},
    "batch_3": {"input_shape": (3, 20)},
    "rank_4_flattened": {"input_shape": (1, 2, 3, 8)},
    "keep_num_dims": {"input_shape": (1, 3, 10), "keep_dims": True},
    "one_input": {"input_shape": (1, 1)},
    "odd_sizes": {"input_shape": (1, 37), "filters": 13},
    "long_rows": {"input_shape": (1, 640), "filters": 8},
    "long_rows_weights_highest": {"input_shape": (1, 642), "filters": 9, "weights": "highest", "gain": 10.0},
    "per_channel": {"spread": (1.0, 0.6, 1.7, 0.9, 0.35)},
    "15_to_1": {"input_shape": (1, 15), "filters": 1},
    "16_to_32": {"input_shape": (1, 16), "filters": 32, "activation": "RELU", "output_zero": -128},
    "17_to_33_rows_2": {"input_shape": (2, 17), "filters": 33},
    "33_to_71_per_channel": {"input_shape": (1, 33), "filters": 71, "spread": (1.0, 0.6, 1.7)},
    "64_to_2": {"input_shape": (1, 64), "filters": 2},
    "batch_2_of_16": {"input_shape": (2, 23), "filters": 16},
    "per_channel_of_9": {"input_shape": (1, 30), "filters": 9, "spread": (1.0, 0.6, 1.7, 0.9, 0.35)},
    "two_inputs_of_8": {"input_shape": (1, 2), "filters": 8},
    "weights_lowest_of_8": {"input_shape": (1, 21), "filters": 8, "weights": "lowest", "gain": 10.0},
    "zero_points_opposite_of_8": {"filters": 8, "input_zero": -128, "output_zero": 127},
    "zero_points_highest_of_8": {"filters": 8, "input_zero": 127, "output_zero": 127, "activation": "RELU"},
}


def convolution_case(opcode: str, name: str, layer: Layer) -> Case:
    build = partial(convolution, layer, opcode == "DEPTHWISE_CONV_2D")
    if layer.bias == "none" and opcode == "CONV_2D":
        return Case(opcode, name, build, LITERT_REFUSES, "it demands a bias")
    if layer.bias == "absent":
        return Case(opcode, name, build, LITERT_REFUSES, "it has no optional bias in convolutions")
    return Case(opcode, name, build)


def convolution_cases(opcode: str, base: Layer, changes: dict[str, dict[str, Any]]) -> list[Case]:
    return [convolution_case(opcode, name, replace(base, **change)) for name, change in changes.items()]


def fully_connected_case(name: str, layer: Layer) -> Case:
    return Case("FULLY_CONNECTED", name, partial(fully_connected, layer), 2, "it rounds once since LiteRT 1.3")


def dense_cases() -> list[Case]:
    base = replace(PLAIN, input_shape=(1, 12), filters=7, spread=())
    changes: dict[str, dict[str, Any]] = {**DENSE, **ARITHMETIC}
    del changes["per_tensor"], changes["one_input_channel"]
    return [fully_connected_case(name, replace(base, **change)) for name, change in changes.items()]


DEPTHWISE = {**GEOMETRY, **ARITHMETIC, **MULTIPLIED, **LINES, **FILTERS}
del DEPTHWISE["absent_bias"]  # an operand of -1 ends TFLM's process with a segmentation fault here

CASES = [
    *convolution_cases("CONV_2D", PLAIN, {**GEOMETRY, **ARITHMETIC, **SIZES, **GROUPED, **BLOCKED, **EIGHTS}),
    *convolution_cases("DEPTHWISE_CONV_2D", replace(PLAIN, filters=2), DEPTHWISE),
    *convolution_cases("DEPTHWISE_CONV_2D", replace(PLAIN, filters=1), ONE_EACH),
    *dense_cases(),
    *[
        Case(opcode, "product_of_scales", partial(product_of_scales, opcode), 2, "it rounds once since LiteRT 1.3")
        for opcode in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
    ],
]
