"""SELECT_V2: of two inputs the one that a condition names, with broadcasting; the bytes are copied."""

import numpy as np

from edgecompress.codegen.ops.base import Array, KernelCall, Operator, types_of
from edgecompress.codegen.ops.broadcasting import broadcast_mismatch, loop_fields, repeating_call
from edgecompress.codegen.ops.movement import TYPES
from edgecompress.tflite.graph import Graph, Operation


class SelectV2(Operator):
    opcode = "SELECT_V2"
    operands = (3, 3)

    def rule_types(self, graph: Graph, operation: Operation) -> str:
        """the condition must be bool, the other inputs and the output of one type: int8, uint8, int16, int32 or bool"""
        condition, x, y = (graph.tensors[i] for i in operation.inputs)
        (result,) = graph.results(operation)
        fits = condition.dtype == np.bool_ and x.dtype in TYPES and {x.dtype, y.dtype} == {result.dtype}
        return "" if fits else types_of(graph, operation)

    def rule_shapes(self, graph: Graph, operation: Operation) -> str:
        """the inputs must broadcast to the output's shape, in at most four dimensions"""
        return broadcast_mismatch(graph, operation)

    def reference(self, graph: Graph, operation: Operation, inputs: list[np.ndarray | None]) -> list[np.ndarray]:
        condition, x, y = inputs
        assert condition is not None and x is not None and y is not None
        return [np.where(condition, x, y)]

    def lower(self, graph: Graph, operation: Operation) -> KernelCall:
        tensors = [graph.tensors[i] for i in (*operation.inputs, *operation.outputs)]
        names = ("sizes", "strides_condition", "strides_x", "strides_y")
        fields: dict[str, int | float | Array] = {**loop_fields(names, tensors, "loops.")}
        fields["bytes"] = tensors[-1].dtype.itemsize
        return repeating_call("select", fields, tensors)
