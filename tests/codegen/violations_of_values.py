"""What breaks the rules of operators that compute value by value."""

import numpy as np
from rule_changes import (
    HUGE,
    TINY,
    TYPES,
    both,
    control,
    float_instead,
    longer,
    longer_result,
    operand,
    options,
    other_zero_point,
    result,
    scale,
    wrong_type,
)

CURVES = (*("ABS", "ELU", "EXP", "GELU", "HARD_SWISH", "LEAKY_RELU", "LOG", "NEG", "RELU_N1_TO_1", "RSQRT", "SQRT"),)
PAIRS = ("MAXIMUM", "MINIMUM", "MUL", "PRELU", "SQUARED_DIFFERENCE", "SUB")
SCALED = ("RSQRT", "SQRT")
"""Whose scales have limits on both sides."""

COMPARING = ("EQUAL", "NOT_EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL")
LOGICAL = ("LOGICAL_AND", "LOGICAL_NOT", "LOGICAL_OR")

VALUES = {
    ("ADD", "rule_types"): [*TYPES, operand(1, dtype=np.dtype(np.uint8))],
    ("ADD", "rule_shapes"): [longer(0), longer_result],
    ("ADD", "rule_factors"): [both(HUGE, TINY)],
    ("LOGISTIC", "rule_types"): TYPES,
    ("LOGISTIC", "rule_shapes"): [longer_result],
    ("LOGISTIC", "rule_input"): [operand(0, quantization=scale(8.0))],
    ("LOGISTIC", "rule_output"): [result(quantization=scale(1 / 128, -128)), other_zero_point],
    ("TANH", "rule_types"): TYPES,
    ("TANH", "rule_shapes"): [longer_result],
    ("TANH", "rule_input"): [operand(0, quantization=scale(8.0))],
    ("TANH", "rule_output"): [result(quantization=scale(1 / 256, 0)), other_zero_point],
    ("RELU", "rule_types"): TYPES,
    ("RELU", "rule_shapes"): [longer_result],
    ("RELU", "rule_factors"): [both(HUGE, TINY)],
    ("RELU6", "rule_types"): TYPES,
    ("RELU6", "rule_shapes"): [longer_result],
    ("RELU6", "rule_factors"): [both(HUGE, TINY)],
    ("RELU6", "rule_quantization"): [other_zero_point],
    ("QUANTIZE", "rule_types"): TYPES,
    ("QUANTIZE", "rule_shapes"): [longer_result],
    ("QUANTIZE", "rule_factors"): [both(HUGE, TINY)],
    ("DEQUANTIZE", "rule_types"): [wrong_type, operand(0, quantization=None), operand(0, quantization=scale(0.1, 200))],
    ("DEQUANTIZE", "rule_shapes"): [longer_result],
    **{(opcode, "rule_types"): TYPES for opcode in (*CURVES, *PAIRS)},
    **{(opcode, "rule_shapes"): [longer_result] for opcode in CURVES},
    **{(opcode, "rule_shapes"): [longer(0), longer_result] for opcode in PAIRS},
    **{
        (opcode, "rule_factors"): [both(HUGE, TINY)]
        for opcode in (*CURVES, *PAIRS)
        if opcode not in ("MAXIMUM", "MINIMUM", "NEG", *SCALED)
    },
    ("LEAKY_RELU", "rule_factors"): [both(HUGE, TINY), options(alpha=float("nan")), options(alpha=1e30)],
    ("NEG", "rule_quantization"): [other_zero_point, operand(0, quantization=scale(0.1, 0))],
    ("SQRT", "rule_input"): [operand(0, quantization=scale(0.1, -127))],
    ("RSQRT", "rule_input"): [operand(0, quantization=scale(0.1, -127))],
    **{(opcode, "rule_factors"): [TINY, result(quantization=scale(1e7))] for opcode in SCALED},
    ("CAST", "rule_types"): [result(dtype=np.dtype(np.int64)), operand(0, dtype=np.dtype(np.float32))],
    ("CAST", "rule_shapes"): [longer_result],
    ("DIV", "rule_types"): TYPES,
    ("DIV", "rule_shapes"): [longer_result],
    ("DIV", "rule_divisor"): [operand(1, data=None), control(1, -5)],
    ("DIV", "rule_factors"): [both(HUGE, TINY), result(quantization=scale(1.0))],
    **{(opcode, "rule_types"): [*TYPES[:4], operand(1, dtype=np.dtype(np.int32))] for opcode in COMPARING},
    **{(opcode, "rule_shapes"): [longer_result, longer(0)] for opcode in (*COMPARING, *LOGICAL)},
    **{(opcode, "rule_scales"): [operand(0, quantization=scale(1.0))] for opcode in COMPARING},
    **{(opcode, "rule_types"): [wrong_type, operand(0, dtype=np.dtype(np.int8))] for opcode in LOGICAL},
    ("SELECT_V2", "rule_types"): [wrong_type, float_instead, operand(0, dtype=np.dtype(np.int8))],
    ("SELECT_V2", "rule_shapes"): [longer_result, longer(0), longer(1)],
}
"""What breaks a rule and, of the rules before it, none."""
