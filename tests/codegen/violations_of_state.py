"""What breaks the rules of operators that keep a state from one inference to the next."""

from dataclasses import replace

import numpy as np
from rule_changes import both, changed, longer, longer_result, operand, options, result, scale, wrong_type

from edgecompress.tflite.graph import ABSENT


def computing_subgraph(graph, operation):
    """What is assigned first of all is no constant."""
    once = graph.subgraphs[1]
    first = next(one for one in once.operations if one.opcode == "ASSIGN_VARIABLE")
    return replace(graph, subgraphs={1: changed(once, first.inputs[1], data=None)}), operation


def without_handles(graph, operation):
    once = graph.subgraphs[1]
    assigning = tuple(one for one in once.operations if one.opcode == "ASSIGN_VARIABLE")
    return replace(graph, subgraphs={1: replace(once, operations=assigning)}), operation


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

STATE = {
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
