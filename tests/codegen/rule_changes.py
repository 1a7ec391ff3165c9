"""Sound operations of every operator, and changes that break one rule or another."""

from dataclasses import replace
from types import MappingProxyType

import numpy as np
from model_cases import CASES, model_of

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
