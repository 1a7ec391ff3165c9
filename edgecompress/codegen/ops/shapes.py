"""SHAPE: all shapes are known, so it is folded before any C is written."""

import numpy as np

from edgecompress.codegen.ops.base import Operator, describe, types_of
from edgecompress.errors import UnsupportedError
from edgecompress.tflite.graph import Graph, Operation


class Shape(Operator):
    opcode = "SHAPE"

    def rule_types(self, graph: Graph, operation: Operation) -> str:
        """the result must be int32"""
        return "" if graph.results(operation)[0].dtype == np.int32 else types_of(graph, operation)

    def rule_result(self, graph: Graph, operation: Operation) -> str:
        """the result must have as many elements as the input has dimensions"""
        rank, expected = len(graph.tensors[operation.inputs[0]].shape), graph.results(operation)[0].shape
        return "" if expected == (rank,) else f"{[rank]} instead of {list(expected)}"

    def reference(self, graph: Graph, operation: Operation, inputs: list[np.ndarray | None]) -> list[np.ndarray]:
        return [np.array(graph.tensors[operation.inputs[0]].shape, np.int32)]

    def lower(self, graph: Graph, operation: Operation) -> None:
        """Only what is an output of the model arrives here: all others have been folded."""
        raise UnsupportedError(
            f"{describe(graph, operation)}: a shape cannot be an output of the model",
            hint="remove it from the model's outputs",
        )
