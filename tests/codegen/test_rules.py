"""Every rule of every operator refuses what it says it refuses; a rule without a case here fails the suite."""

from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest
from model_cases import CASES, model_of

from edgecompress.codegen import ops
from edgecompress.errors import UnsupportedError
from edgecompress.tflite import reader
from edgecompress.tflite.graph import ABSENT, Quantization

SOUND = {
    "ADD": "add-two_residuals",
    "SHAPE": "shape-of_shape",
    "RELU6": "relu6-same_quantization",
    "QUANTIZE": "quantize-int8_to_int8_finer",
}
"""The case that a rule's violation starts from, where it is not the operator's first one."""

TYPE_OF_RESULT = {"DEQUANTIZE": np.int16, "QUANTIZE": np.int64, "SHAPE": np.int64, "SOFTMAX": np.int32}


def sound(opcode):
    """(Graph, operation) of a case that keeps all rules."""
    name = SOUND.get(opcode) or next(case.id for case in CASES if case.operator == opcode)
    graph = reader.read_bytes(model_of(name))
    operation = next(operation for operation in graph.operations if operation.opcode == opcode)
    return known(graph, operation), operation


def known(graph, operation):
    """Shape computations see constants: give them some."""
    for index in (index for index in operation.inputs if index != ABSENT):
        tensor = graph.tensors[index]
        if tensor.dtype == np.int32 and not tensor.is_constant:
            graph = changed(graph, index, data=np.arange(1, 1 + tensor.elements, dtype=np.int32).reshape(tensor.shape))
    return graph


def changed(graph, index, **fields):
    """The graph with some fields of one tensor changed."""
    return replace(graph, tensors=MappingProxyType({**graph.tensors, index: replace(graph.tensors[index], **fields)}))


def operand(number, **fields):
    return lambda graph, operation: (changed(graph, operation.inputs[number], **fields), operation)


def control(number, value):
    """Every value of a constant operand becomes another."""

    def change(graph, operation):
        data = graph.tensors[operation.inputs[number]].data
        return changed(graph, operation.inputs[number], data=np.full_like(data, value)), operation

    return change


def second_absent(graph, operation):
    return graph, replace(operation, inputs=(operation.inputs[0], ABSENT))


def float_instead(graph, operation):
    kinds = {index: np.dtype(np.float32) for index in (*operation.inputs, *operation.outputs)}
    for index in [i for i in kinds if graph.tensors[i].dtype == np.int8]:
        graph = changed(graph, index, dtype=kinds[index], type_name="FLOAT32")
    return graph, operation


def result(**fields):
    return lambda graph, operation: (changed(graph, operation.outputs[0], **fields), operation)


def options(**fields):
    return lambda graph, operation: (graph, replace(operation, options={**operation.options, **fields}))


def fewer_operands(graph, operation):
    """None; one, where there should be none."""
    return graph, replace(operation, inputs=() if operation.inputs else (0,))


def absent_operand(graph, operation):
    return graph, replace(operation, inputs=(ABSENT, *operation.inputs[1:]))


def more_results(graph, operation):
    return graph, replace(operation, outputs=operation.outputs * 2 or (0,))


def without_options(graph, operation):
    return graph, replace(operation, options={})


def computing_subgraph(graph, operation):
    """What is assigned first of all is no constant."""
    once = graph.subgraphs[1]
    first = next(one for one in once.operations if one.opcode == "ASSIGN_VARIABLE")
    return replace(graph, subgraphs={1: changed(once, first.inputs[1], data=None)}), operation


def without_handles(graph, operation):
    once = graph.subgraphs[1]
    assigning = tuple(one for one in once.operations if one.opcode == "ASSIGN_VARIABLE")
    return replace(graph, subgraphs={1: replace(once, operations=assigning)}), operation


def scale(value, zero_point=0):
    return Quantization((value,), (zero_point,))


def wrong_type(graph, operation):
    kind = np.dtype(TYPE_OF_RESULT.get(operation.opcode, np.int16))
    return changed(graph, operation.outputs[0], dtype=kind, type_name=kind.name.upper()), operation


def other_zero_point(graph, operation):
    index = operation.outputs[0]
    return changed(graph, index, quantization=scale(graph.tensors[index].quantization.scale, 9)), operation


def longer(number):
    """One more entry in the last dimension of an operand."""

    def change(graph, operation):
        tensor = graph.tensors[operation.inputs[number]]
        return changed(graph, tensor.index, shape=(*tensor.shape[:-1], tensor.shape[-1] + 1), data=None), operation

    return change


def longer_result(graph, operation):
    tensor = graph.tensors[operation.outputs[0]]
    return changed(graph, tensor.index, shape=(*tensor.shape[:-1], tensor.shape[-1] + 1)), operation


def higher_result(graph, operation):
    tensor = graph.tensors[operation.outputs[0]]
    return changed(graph, tensor.index, shape=(tensor.shape[0], tensor.shape[1] + 1, *tensor.shape[2:])), operation


TINY = result(quantization=scale(2e-38))
HUGE = operand(0, quantization=scale(1e38))


def both(*changes):
    def change(graph, operation):
        for one in changes:
            graph, operation = one(graph, operation)
        return graph, operation

    return change


TYPES = [
    wrong_type,
    operand(0, quantization=None),
    operand(0, quantization=Quantization((0.1, 0.2), (0, 0))),
    operand(0, quantization=scale(0.1, 128)),
    result(quantization=scale(0.1, -129)),
]
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

CURVES = (*("ABS", "ELU", "EXP", "GELU", "HARD_SWISH", "LEAKY_RELU", "LOG", "NEG", "RELU_N1_TO_1", "RSQRT", "SQRT"),)
PAIRS = ("MAXIMUM", "MINIMUM", "MUL", "PRELU", "SQUARED_DIFFERENCE", "SUB")
SCALED = ("RSQRT", "SQRT")
"""Whose scales have limits on both sides."""

COMPARING = ("EQUAL", "NOT_EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL")
LOGICAL = ("LOGICAL_AND", "LOGICAL_NOT", "LOGICAL_OR")


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

VIOLATIONS_OF_LSTM = {
    "rule_types": [wrong_type, operand(0, quantization=None)],
    "rule_kind": [
        options(fused_activation_function="RELU"),
        lambda graph, operation: (graph, replace(operation, inputs=operation.inputs[:20])),
        lambda graph, operation: (
            graph,
            replace(operation, inputs=(*operation.inputs[:9], operation.inputs[8], *operation.inputs[10:])),
        ),
    ],
    "rule_states": [
        operand(18, is_variable=False),
        operand(18, dtype=np.dtype(np.int16)),
        operand(18, quantization=None),
        operand(19, quantization=scale(0.001)),
        operand(19, quantization=scale(2**-11, 1)),
        lambda graph, operation: (replace(graph, outputs=(operation.inputs[19],)), operation),
    ],
    "rule_weights": [
        operand(1, data=None),
        operand(5, dtype=np.dtype(np.int16)),
        operand(2, quantization=scale(0.1, 1)),
        operand(3, quantization=None),
        operand(12, data=None),
    ],
    "rule_shapes": [longer_result, operand(0, shape=(4, 6)), operand(1, shape=(5, 7)), operand(18, shape=(1, 4))],
    "rule_factors": [options(cell_clip=-1.0), operand(0, quantization=scale(1e38))],
}

VIOLATIONS = {
    ("ADD", "rule_types"): [*TYPES, operand(1, dtype=np.dtype(np.uint8))],
    ("ADD", "rule_shapes"): [longer(0), longer_result],
    ("ADD", "rule_factors"): [both(HUGE, TINY)],
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
    ("RESHAPE", "rule_shapes"): [longer_result, wrong_type],
    ("SOFTMAX", "rule_types"): TYPES,
    ("SOFTMAX", "rule_output"): [result(quantization=scale(1 / 128, -128)), other_zero_point],
    ("SOFTMAX", "rule_shapes"): [longer_result, both(operand(0, shape=(1, 4096)), result(shape=(1, 4096)))],
    ("SOFTMAX", "rule_beta"): [
        options(beta=0.0),
        options(beta=float("nan")),
        options(beta=-1.0),
        options(beta=float("inf")),
    ],
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
    ("SHAPE", "rule_types"): [wrong_type],
    ("SHAPE", "rule_result"): [longer_result],
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
    ("PADV2", "rule_value"): [operand(2, data=None), operand(2, dtype=np.dtype(np.int32))],
    ("RESIZE_BILINEAR", "rule_shapes"): [
        longer_result,
        control(1, 5),
        operand(1, data=None),
        operand(0, shape=(12, 2)),
    ],
    ("RESIZE_BILINEAR", "rule_ways"): [options(align_corners=True, half_pixel_centers=True)],
    ("RESIZE_BILINEAR", "rule_ends"): [both(control(1, 2000), result(shape=(1, 2000, 2000, 2)))],
    **{(opcode, rule): VIOLATIONS_OF_PAD[rule] for opcode in ("PAD", "PADV2") for rule in VIOLATIONS_OF_PAD},
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
    ("SVDF", "rule_types"): [wrong_type, operand(0, quantization=None)],
    ("SVDF", "rule_state"): [
        operand(4, is_variable=False),
        operand(4, dtype=np.dtype(np.int32)),
        operand(4, quantization=scale(0.1, 1)),
        lambda graph, operation: (replace(graph, outputs=(operation.inputs[4],)), operation),
    ],
    ("SVDF", "rule_weights"): [
        operand(1, data=None),
        operand(2, dtype=np.dtype(np.int8)),
        operand(3, dtype=np.dtype(np.int16)),
        operand(1, quantization=scale(0.1, 1)),
        operand(2, quantization=None),
    ],
    ("SVDF", "rule_shapes"): [
        options(rank=0),
        options(rank=2),
        longer_result,
        longer(0),
        longer(4),
        operand(3, shape=(4,)),
    ],
    ("SVDF", "rule_factors"): [both(operand(0, quantization=scale(1e38)), operand(4, quantization=scale(1e-30)))],
    **{("UNIDIRECTIONAL_SEQUENCE_LSTM", rule): changes for rule, changes in VIOLATIONS_OF_LSTM.items()},
    ("CALL_ONCE", "rule_subgraph"): [options(init_subgraph_index=2), computing_subgraph, without_handles],
    ("CALL_ONCE", "rule_order"): [lambda graph, operation: (graph, replace(operation, index=99))],
    ("VAR_HANDLE", "rule_result"): [result(type_name="INT16")],
    ("READ_VARIABLE", "rule_handle"): [lambda graph, operation: (graph, replace(operation, inputs=operation.outputs))],
    ("READ_VARIABLE", "rule_values"): [longer_result, wrong_type, result(type_name="STRING")],
    ("ASSIGN_VARIABLE", "rule_handle"): [
        lambda graph, operation: (graph, replace(operation, inputs=operation.inputs[:1])),
        lambda graph, operation: (graph, replace(operation, inputs=(operation.inputs[0], ABSENT))),
        lambda graph, operation: (graph, replace(operation, inputs=operation.inputs[1:] * 2)),
    ],
    ("ASSIGN_VARIABLE", "rule_values"): [longer(1)],
}
"""What breaks a rule and, of the rules before it, none."""

UNBREAKABLE = {(opcode, "rule_places") for opcode, place in MOVEMENTS.items() if place is None}
"""Of operators that have one operand only."""


def rules():
    """(operator, rule) of all operators; those that every operator has come with their own tests."""
    for opcode in sorted(ops.OPERATORS):
        for _, method in ops.find(opcode).rules():
            if method.__name__ not in ("rule_operands", "rule_options"):
                yield opcode, method.__name__


def refusal(opcode, change):
    graph, operation = change(*sound(opcode))
    with pytest.raises(UnsupportedError) as caught:
        ops.check(graph, operation)
    return caught.value


def sentence(opcode, name):
    return next(text for text, method in ops.find(opcode).rules() if method.__name__ == name)


@pytest.mark.parametrize("opcode", (*MOVEMENTS, *JOINING))
def test_a_claim_of_more_than_memory_holds_is_refused_before_anything_is_made_of_it(opcode):
    claim = (1, 2**20, 2**20, 2**20)
    graph, operation = sound(opcode)
    for index in (*operation.inputs, *operation.outputs):
        if not graph.tensors[index].is_constant:
            graph = changed(graph, index, shape=claim)
    with pytest.raises(UnsupportedError):
        ops.check(graph, operation)


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("rule_types", operand(0, dtype=np.dtype(np.int8))),
        ("rule_types", operand(0, quantization=scale(0.1, 1))),
        ("rule_states", operand(18, dtype=np.dtype(np.int8))),
        ("rule_states", operand(18, quantization=scale(0.1, 1))),
        ("rule_weights", operand(12, dtype=np.dtype(np.int32))),
        ("rule_weights", operand(15, data=np.full(5, -(2**46)))),
        ("rule_factors", operand(0, quantization=scale(4.0))),
        ("rule_factors", operand(18, quantization=scale(4.0))),
    ],
)
def test_lstm_of_16_bits_is_refused_where_64_bits_do_not_hold_its_sums_or_its_tensors_do_not_fit(rule, change):
    graph = reader.read_bytes(model_of("unidirectional_sequence_lstm-int16_batch_first"))
    (operation,) = graph.operations
    ops.check(graph, operation)
    with pytest.raises(UnsupportedError) as caught:
        ops.check(*change(graph, operation))
    assert caught.value.what.endswith(": " + sentence("UNIDIRECTIONAL_SEQUENCE_LSTM", rule))
    assert caught.value.found


@pytest.mark.parametrize(
    ("opcode", "place"), [("TILE", 1), ("RESIZE_NEAREST_NEIGHBOR", 1), ("BROADCAST_TO", 1), ("FILL", 0)]
)
def test_operands_that_ask_for_more_than_memory_holds_are_refused(opcode, place):
    error = refusal(opcode, control(place, 2**30))
    assert error.what.endswith(sentence(opcode, "rule_result"))


@pytest.mark.parametrize("opcode", sorted(ops.OPERATORS))
def test_sound_case_keeps_all_rules(opcode):
    ops.check(*sound(opcode))


def test_every_rule_has_a_violation_and_every_violation_a_rule():
    assert set(rules()) - UNBREAKABLE == set(VIOLATIONS)


@pytest.mark.parametrize(
    ("opcode", "rule", "number"),
    [(opcode, rule, number) for (opcode, rule), changes in VIOLATIONS.items() for number in range(len(changes))],
)
def test_rule_refuses_with_its_own_sentence_and_what_was_found(opcode, rule, number):
    error = refusal(opcode, VIOLATIONS[opcode, rule][number])
    assert error.what.endswith(": " + sentence(opcode, rule))
    assert error.what.startswith("operator ")
    assert opcode in error.what
    assert error.found


@pytest.mark.parametrize("opcode", sorted(ops.OPERATORS))
@pytest.mark.parametrize("change", [fewer_operands, absent_operand, more_results], ids=lambda change: change.__name__)
def test_missing_operands_and_second_results_are_refused(opcode, change):
    assert refusal(opcode, change).what.endswith(sentence(opcode, "rule_operands"))


@pytest.mark.parametrize("opcode", [opcode for opcode in sorted(ops.OPERATORS) if ops.find(opcode).options])
def test_missing_options_are_refused_by_name(opcode):
    error = refusal(opcode, without_options)
    assert error.what.endswith(sentence(opcode, "rule_options"))
    assert all(name in error.found for name in ops.find(opcode).options)


@pytest.mark.parametrize("opcode", sorted(ops.OPERATORS))
def test_every_rule_says_what_must_hold(opcode):
    for text, method in ops.find(opcode).rules():
        assert len(text) > 20, method.__name__
        assert not text.endswith(".")


def test_unknown_operator_is_refused_with_its_name():
    graph, operation = sound("ADD")
    with pytest.raises(UnsupportedError, match=r"operator 1 CUSTOM:ethos-u .*no kernel") as caught:
        ops.check(graph, replace(operation, opcode="CUSTOM:ethos-u"))
    assert "other runtimes" in caught.value.hint


def test_unsupported_activation_is_refused():
    graph, operation = sound("ADD")
    with pytest.raises(UnsupportedError, match="TANH"):
        ops.find("ADD").lower(graph, replace(operation, options={"fused_activation_function": "TANH"}))


def test_all_problems_of_a_model_are_listed_at_once():
    graph, operation = sound("ADD")
    graph, _ = wrong_type(graph, operation)
    problems = ops.missing(graph)
    assert any("operator 1 ADD" in problem and "int8" in problem for problem in problems)
    assert all("found" in problem for problem in problems)
