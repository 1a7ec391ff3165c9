"""RESHAPE, SQUEEZE and EXPAND_DIMS: the same bytes under another shape; they cost nothing on the device."""

import numpy as np

from edgecompress.codegen.ops.base import Operator
from edgecompress.tflite.graph import Graph, Operation


class Reshape(Operator):
    opcode = "RESHAPE"
    operands = (1, 2)
    is_alias = True

    def rule_shapes(self, graph: Graph, operation: Operation) -> str:
        """input and output must have the same type and number of elements"""
        source, result = graph.tensors[operation.inputs[0]], graph.results(operation)[0]
        same = source.dtype == result.dtype and source.elements == result.elements
        return "" if same else f"{source.type_name} {list(source.shape)} -> {result.type_name} {list(result.shape)}"

    def reference(self, graph: Graph, operation: Operation, inputs: list[np.ndarray | None]) -> list[np.ndarray]:
        assert inputs[0] is not None
        return [inputs[0].reshape(graph.results(operation)[0].shape)]

    def lower(self, graph: Graph, operation: Operation) -> None:
        return None


class Squeeze(Reshape):
    opcode = "SQUEEZE"
    operands = (1, 1)


class ExpandDims(Reshape):
    opcode = "EXPAND_DIMS"
    operands = (2, 2)
