"""Operators with several results, taken apart: a kernel writes one result."""

import dataclasses
from types import MappingProxyType

from edgecompress.codegen import ops
from edgecompress.tflite.graph import Graph, Operation


def separated(graph: Graph) -> Graph:
    """The graph with one operation for each result: its option `result` says which of the file's operator it is.

    They keep the index of the file's operator.

    Raises:
        UnsupportedError: an operator has another number of results than it says.
    """
    for operation in graph.operations:
        if len(operation.outputs) > 1:
            ops.check(graph, operation)
    operations = tuple(part for operation in graph.operations for part in _parts(operation))
    return dataclasses.replace(graph, operations=operations)


def _parts(operation: Operation) -> list[Operation]:
    if len(operation.outputs) < 2:
        return [operation]
    return [
        dataclasses.replace(
            operation, outputs=(output,), options=MappingProxyType({**operation.options, "result": number})
        )
        for number, output in enumerate(operation.outputs)
    ]
