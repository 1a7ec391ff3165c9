"""Folds what is known at build time: operators whose inputs are constants, and SHAPE, become constants."""

import dataclasses
from types import MappingProxyType

import numpy as np

from edgecompress.codegen import ops
from edgecompress.tflite.graph import ABSENT, Graph, Tensor


def fold_constants(graph: Graph) -> Graph:
    """The graph without operators whose result does not depend on the input; their outputs hold the values.

    Operator indices stay those of the file. The graph's own outputs, and what it keeps, are never folded away.
    """
    kept = {*graph.outputs, *(state.last for state in graph.states)}
    tensors = dict(graph.tensors)
    remaining = []
    for operation in graph.operations:
        current = dataclasses.replace(graph, tensors=MappingProxyType(tensors))
        known = all(i == ABSENT or tensors[i].is_constant for i in operation.inputs) or operation.opcode == "SHAPE"
        if (
            not known
            or not operation.inputs
            or operation.opcode not in ops.OPERATORS
            or kept.intersection(operation.outputs)
        ):
            remaining.append(operation)
            continue
        ops.check(current, operation)
        inputs = [None if i == ABSENT else tensors[i].data for i in operation.inputs]
        for index, values in zip(
            operation.outputs, ops.find(operation.opcode).reference(current, operation, inputs), strict=True
        ):
            tensors[index] = _constant(tensors[index], values)
    return dataclasses.replace(graph, tensors=MappingProxyType(tensors), operations=tuple(remaining))


def _constant(tensor: Tensor, values: np.ndarray) -> Tensor:
    data = np.array(values, tensor.dtype, order="C")
    data.flags.writeable = False
    return dataclasses.replace(tensor, shape=data.shape, data=data)
