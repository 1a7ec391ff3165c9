"""What breaks the rules of layers with weights or windows, of reductions and of what goes over whole rows."""

import numpy as np
from rule_changes import (
    HUGE,
    TINY,
    TYPES,
    both,
    changed,
    control,
    higher_result,
    longer,
    longer_result,
    operand,
    options,
    other_zero_point,
    result,
    scale,
    wrong_type,
)

from edgecompress.tflite.graph import Quantization

WEIGHTS = [
    operand(1, data=None),
    operand(1, dtype=np.dtype(np.uint8)),
    operand(1, quantization=None),
    operand(1, quantization=scale(0.1, 3)),
    operand(2, data=None),
    operand(2, dtype=np.dtype(np.int16)),
]
WINDOW = [
    higher_result,
    options(padding="NONE"),
    options(stride_h=0),
    options(stride_w=2**15 + 1),
    options(stride_h=-1),
]


def many_of_16_bits(graph, operation):
    """More values of int16 make one than 32 bits hold for sure."""
    wide = {"dtype": np.dtype(np.int16), "quantization": scale(0.05)}
    graph = changed(graph, operation.inputs[0], shape=(1, 300, 300, 7), **wide)
    return changed(graph, operation.outputs[0], **wide), operation


VIOLATIONS_OF_SUMS = {
    "rule_types": TYPES,
    "rule_axes": [
        operand(1, data=None),
        operand(1, data=np.array([9], np.int32)),
        operand(1, dtype=np.dtype(np.int64)),
    ],
    "rule_shapes": [longer_result, result(shape=(7, 7, 7))],
    "rule_factors": [both(HUGE, TINY)],
    "rule_count": [many_of_16_bits],
}

LAYERS = {
    ("CONV_2D", "rule_types"): TYPES,
    ("CONV_2D", "rule_filter"): [longer_result, longer(0)],
    ("CONV_2D", "rule_shapes"): [*WINDOW, options(dilation_h_factor=2**15, stride_h=0), options(dilation_w_factor=0)],
    ("CONV_2D", "rule_weights"): [*WEIGHTS, operand(1, quantization=Quantization((0.1, 0.2), (0, 0), 3))],
    ("CONV_2D", "rule_factors"): [both(HUGE, TINY)],
    ("DEPTHWISE_CONV_2D", "rule_types"): TYPES,
    ("DEPTHWISE_CONV_2D", "rule_filter"): [longer_result, longer(0)],
    ("DEPTHWISE_CONV_2D", "rule_shapes"): WINDOW,
    ("DEPTHWISE_CONV_2D", "rule_weights"): [*WEIGHTS, operand(1, quantization=Quantization((0.1, 0.2), (0, 0), 0))],
    ("DEPTHWISE_CONV_2D", "rule_factors"): [both(HUGE, TINY)],
    ("FULLY_CONNECTED", "rule_types"): TYPES,
    ("FULLY_CONNECTED", "rule_format"): [options(weights_format="SHUFFLED4x16INT8")],
    ("FULLY_CONNECTED", "rule_shapes"): [longer_result, longer(0)],
    ("FULLY_CONNECTED", "rule_weights"): [*WEIGHTS, operand(1, quantization=Quantization((0.1, 0.2), (0, 0), 1))],
    ("FULLY_CONNECTED", "rule_factors"): [both(HUGE, TINY)],
    ("AVERAGE_POOL_2D", "rule_types"): TYPES,
    ("AVERAGE_POOL_2D", "rule_shapes"): [*WINDOW, longer_result, options(filter_height=0), options(filter_width=2**21)],
    ("AVERAGE_POOL_2D", "rule_quantization"): [other_zero_point, result(quantization=scale(0.1))],
    ("MAX_POOL_2D", "rule_types"): TYPES,
    ("MAX_POOL_2D", "rule_shapes"): [*WINDOW, longer_result, options(filter_height=-1)],
    ("MAX_POOL_2D", "rule_quantization"): [other_zero_point, result(quantization=scale(0.1))],
    ("SOFTMAX", "rule_types"): TYPES,
    ("SOFTMAX", "rule_output"): [result(quantization=scale(1 / 128, -128)), other_zero_point],
    ("SOFTMAX", "rule_shapes"): [longer_result, both(operand(0, shape=(1, 4096)), result(shape=(1, 4096)))],
    ("SOFTMAX", "rule_beta"): [
        options(beta=0.0),
        options(beta=float("nan")),
        options(beta=-1.0),
        options(beta=float("inf")),
    ],
    ("ARG_MAX", "rule_types"): [wrong_type, operand(0, dtype=np.dtype(np.int32))],
    ("ARG_MIN", "rule_types"): [wrong_type, operand(0, dtype=np.dtype(np.int32))],
    **{
        (opcode, "rule_axis"): [operand(1, data=None), control(1, 9), control(1, -3)]
        for opcode in ("ARG_MAX", "ARG_MIN")
    },
    **{(opcode, "rule_shapes"): [longer_result, operand(0, shape=(3, 0))] for opcode in ("ARG_MAX", "ARG_MIN")},
    **{
        (opcode, "rule_types"): TYPES
        for opcode in ("BATCH_MATMUL", "L2_NORMALIZATION", "LOG_SOFTMAX", "RESIZE_BILINEAR")
    },
    ("BATCH_MATMUL", "rule_shapes"): [
        longer_result,
        longer(0),
        operand(0, shape=(4,)),
        operand(0, shape=(3, 3, 4)),
        both(operand(0, shape=(2, 3, 2**15 + 1)), operand(1, shape=(2, 2**15 + 1, 5))),
    ],
    ("BATCH_MATMUL", "rule_factors"): [both(HUGE, TINY)],
    ("L2_NORMALIZATION", "rule_output"): [result(quantization=scale(1 / 256, 0)), other_zero_point],
    ("L2_NORMALIZATION", "rule_shapes"): [longer_result],
    ("L2_NORMALIZATION", "rule_activation"): [options(fused_activation_function="RELU")],
    ("LOG_SOFTMAX", "rule_output"): [result(quantization=scale(1 / 256, 127)), other_zero_point],
    ("LOG_SOFTMAX", "rule_shapes"): [longer_result, both(operand(0, shape=(1, 4096)), result(shape=(1, 4096)))],
    ("LOG_SOFTMAX", "rule_input"): [operand(0, quantization=scale(16.0)), operand(0, quantization=scale(2**-25))],
    ("RESIZE_BILINEAR", "rule_shapes"): [
        longer_result,
        control(1, 5),
        operand(1, data=None),
        operand(0, shape=(12, 2)),
    ],
    ("RESIZE_BILINEAR", "rule_ways"): [options(align_corners=True, half_pixel_centers=True)],
    ("RESIZE_BILINEAR", "rule_ends"): [both(control(1, 2000), result(shape=(1, 2000, 2000, 2)))],
    **{(opcode, rule): changes for opcode in ("MEAN", "SUM") for rule, changes in VIOLATIONS_OF_SUMS.items()},
    **{
        (opcode, rule): changes
        for opcode in ("REDUCE_MAX", "REDUCE_MIN")
        for rule, changes in VIOLATIONS_OF_SUMS.items()
        if rule not in ("rule_factors", "rule_count")
    },
    **{(opcode, "rule_quantization"): [other_zero_point] for opcode in ("REDUCE_MAX", "REDUCE_MIN")},
    ("TRANSPOSE_CONV", "rule_types"): [
        wrong_type,
        operand(2, quantization=None),
        operand(2, quantization=scale(0.1, 128)),
    ],
    ("TRANSPOSE_CONV", "rule_weights"): [
        operand(1, data=None),
        operand(1, dtype=np.dtype(np.uint8)),
        operand(1, quantization=Quantization((0.1, 0.2), (0, 0), 3)),
        operand(1, shape=(4, 27)),
        operand(3, data=None),
    ],
    ("TRANSPOSE_CONV", "rule_factors"): [both(operand(2, quantization=scale(1e38)), TINY)],
    ("TRANSPOSE_CONV", "rule_filter"): [longer(2), longer_result],
    ("TRANSPOSE_CONV", "rule_shapes"): [
        operand(0, data=None),
        control(0, 6),
        options(padding="NONE"),
        options(stride_h=0),
    ],
}
"""What breaks a rule and, of the rules before it, none."""
