"""Folds what is known at build time: operators whose inputs are constants, SHAPE and RANK, become constants."""

import dataclasses
from types import MappingProxyType

import numpy as np

from edgecompress.codegen import ops
from edgecompress.codegen.shape_arithmetic import compute, is_known, is_shape_arithmetic
from edgecompress.tflite.graph import ABSENT, Graph, Operation, Tensor


def fold_constants(graph: Graph) -> Graph:
    """The graph without operators whose result does not depend on the input; their outputs hold the values.

    Operator indices stay those of the file. The graph's own outputs, and what it keeps, are never folded away.
    """
    kept = {*graph.outputs, *(state.last for state in graph.states)}
    tensors = dict(graph.tensors)
    remaining = []
    for operation in graph.operations:
        current = dataclasses.replace(graph, tensors=MappingProxyType(tensors))
        is_kept = bool(kept.intersection(operation.outputs))
        if is_kept or not is_known(current, operation) or not _is_computable(current, operation):
            remaining.append(operation)
            continue
        inputs = [None if i == ABSENT else tensors[i].data for i in operation.inputs]
        for index, values in zip(operation.outputs, evaluate(current, operation, inputs), strict=True):
            tensors[index] = _constant(tensors[index], values)
    return dataclasses.replace(graph, tensors=MappingProxyType(tensors), operations=tuple(remaining))


def evaluate(graph: Graph, operation: Operation, inputs: list[np.ndarray | None]) -> list[np.ndarray]:
    """The operation's results: as the device computes them, or as integers of which the device knows nothing.

    Raises:
        UnsupportedError: there is no such operator, or one of its rules does not hold.
    """
    if is_known(graph, operation) and is_shape_arithmetic(graph, operation):
        return [compute(graph, operation, inputs)]
    ops.check(graph, operation)
    return ops.find(operation.opcode).reference(graph, operation, inputs)


def _is_computable(graph: Graph, operation: Operation) -> bool:
    return operation.opcode in ops.OPERATORS or is_shape_arithmetic(graph, operation)


def _constant(tensor: Tensor, values: np.ndarray) -> Tensor:
    data = np.array(values, tensor.dtype, order="C")
    data.flags.writeable = False
    return dataclasses.replace(tensor, shape=data.shape, data=data)
