"""What breaks the rules of operators that move values."""

import numpy as np
from rule_changes import (
    TYPES,
    both,
    control,
    float_instead,
    longer,
    longer_result,
    operand,
    options,
    other_zero_point,
    scale,
    second_absent,
    wrong_type,
)

JOINING = ("CONCATENATION", "PACK")
RESULTS = {
    "BATCH_TO_SPACE_ND": [control(1, 0), control(2, -1), control(2, 9), operand(2, data=np.zeros(3, np.int32))],
    "BROADCAST_TO": [control(1, 7)],
    "DEPTH_TO_SPACE": [options(block_size=0), options(block_size=5), operand(0, shape=(1, 72))],
    "FILL": [control(0, 7), operand(1, shape=(2,))],
    "GATHER": [control(1, 99), control(1, -1), options(axis=9), options(batch_dims=1)],
    "GATHER_ND": [control(1, 99), control(1, -1), operand(1, data=np.zeros((1, 4), np.int32))],
    "MIRROR_PAD": [control(1, -1), control(1, 99), operand(1, data=np.zeros((2, 4), np.int32))],
    "RESIZE_NEAREST_NEIGHBOR": [control(1, 0), operand(1, data=np.ones(3, np.int32)), operand(0, shape=(12, 2))],
    "REVERSE_V2": [control(1, 9)],
    "SLICE": [control(1, -1), control(2, 99), operand(1, data=np.zeros(2, np.int32))],
    "SPACE_TO_BATCH_ND": [control(1, 0), control(1, 5), operand(2, data=np.zeros(4, np.int32))],
    "SPACE_TO_DEPTH": [options(block_size=0), options(block_size=5), operand(0, shape=(1, 72))],
    "SPLIT": [control(0, 9), operand(1, shape=(1, 4, 3, 7))],
    "SPLIT_V": [control(1, 99), control(1, -1), control(2, 9)],
    "STRIDED_SLICE": [
        control(3, 0),
        options(ellipsis_mask=1),
        options(new_axis_mask=1),
        both(options(shrink_axis_mask=1), control(1, 99)),
        operand(2, data=np.zeros(0, np.int32)),
    ],
    "TILE": [control(1, 9), operand(1, data=np.ones(3, np.int32))],
    "TRANSPOSE": [control(1, 0), control(1, 9), operand(1, data=np.arange(3, dtype=np.int32))],
    "UNPACK": [options(axis=9), options(axis=2)],
}
"""Of operators that move values, what does not fit."""
MOVEMENTS = {
    opcode: {"FILL": 0, "SPLIT": 0, "SPACE_TO_DEPTH": None, "DEPTH_TO_SPACE": None, "UNPACK": None}.get(opcode, 1)
    for opcode in RESULTS
}
"""An operand that must be constant; None where there is none."""
VIOLATIONS_OF_PAD = {
    "rule_types": TYPES,
    "rule_paddings": [
        operand(1, data=None),
        operand(1, data=np.full((4, 2), -1, np.int32)),
        operand(1, shape=(2, 4)),
    ],
    "rule_shapes": [longer_result],
    "rule_quantization": [other_zero_point],
}

PLACES = {
    ("RESHAPE", "rule_shapes"): [longer_result, wrong_type],
    ("SHAPE", "rule_types"): [wrong_type],
    ("SHAPE", "rule_result"): [longer_result],
    ("PADV2", "rule_value"): [operand(2, data=None), operand(2, dtype=np.dtype(np.int32))],
    **{(opcode, rule): VIOLATIONS_OF_PAD[rule] for opcode in ("PAD", "PADV2") for rule in VIOLATIONS_OF_PAD},
    ("SQUEEZE", "rule_shapes"): [longer_result, wrong_type],
    ("EXPAND_DIMS", "rule_shapes"): [longer_result, wrong_type],
    ("CONCATENATION", "rule_activation"): [options(fused_activation_function="RELU")],
    ("CONCATENATION", "rule_quantization"): [other_zero_point, operand(1, quantization=scale(0.1))],
    **{(opcode, "rule_absent"): [second_absent] for opcode in JOINING},
    **{(opcode, "rule_types"): [wrong_type, float_instead] for opcode in JOINING},
    **{(opcode, "rule_result"): [longer_result, longer(1), options(axis=9)] for opcode in JOINING},
    **{(opcode, "rule_types"): [wrong_type, float_instead] for opcode in MOVEMENTS if opcode != "FILL"},
    ("FILL", "rule_types"): [wrong_type],
    **{
        (opcode, "rule_places"): [operand(place, data=None)] for opcode, place in MOVEMENTS.items() if place is not None
    },
    ("GATHER", "rule_places"): [operand(1, data=None, dtype=np.dtype(np.int64))],
    ("SPACE_TO_BATCH_ND", "rule_places"): [operand(1, data=None), control(2, 2)],
    **{(opcode, "rule_result"): [longer_result, *changes] for opcode, changes in RESULTS.items()},
}
"""What breaks a rule and, of the rules before it, none."""
