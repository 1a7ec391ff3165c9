"""LOGICAL_AND, LOGICAL_OR and LOGICAL_NOT: bool, one byte each, 0 or 1."""

from typing import ClassVar

import numpy as np

from edgecompress.codegen.ops.base import Array, KernelCall, Operator, types_of
from edgecompress.codegen.ops.broadcasting import broadcast_mismatch, broadcast_parameters, repeating_call
from edgecompress.codegen.ops.lookup import by_table
from edgecompress.tflite.graph import Graph, Operation, Tensor

Truths = tuple[bool, bool, bool, bool]
"""Of (no, no), (no, yes), (yes, no), (yes, yes)."""


class Logical(Operator):
    """What all of them share."""

    def rule_types(self, graph: Graph, operation: Operation) -> str:
        """inputs and output must be bool"""
        tensors = [*(graph.tensors[i] for i in operation.inputs), *graph.results(operation)]
        return "" if all(t.dtype == np.bool_ for t in tensors) else types_of(graph, operation)

    def rule_shapes(self, graph: Graph, operation: Operation) -> str:
        """the inputs must broadcast to the output's shape, in at most four dimensions"""
        return broadcast_mismatch(graph, operation)


class LogicalPair(Logical):
    operands = (2, 2)
    truths: ClassVar[Truths]

    def reference(self, graph: Graph, operation: Operation, inputs: list[np.ndarray | None]) -> list[np.ndarray]:
        a, b = inputs
        assert a is not None and b is not None
        return [np.asarray(np.array(self.truths)[2 * a.astype(np.int64) + b])]

    def lower(self, graph: Graph, operation: Operation) -> KernelCall:
        a, b = (graph.tensors[i] for i in operation.inputs)
        return truth_call(self.truths, a, b, graph.results(operation)[0])


class LogicalAnd(LogicalPair):
    opcode = "LOGICAL_AND"
    truths = (False, False, False, True)


class LogicalOr(LogicalPair):
    opcode = "LOGICAL_OR"
    truths = (False, True, True, True)


class LogicalNot(Logical):
    opcode = "LOGICAL_NOT"

    def reference(self, graph: Graph, operation: Operation, inputs: list[np.ndarray | None]) -> list[np.ndarray]:
        assert inputs[0] is not None
        return [~inputs[0]]

    def lower(self, graph: Graph, operation: Operation) -> KernelCall:
        return by_table(np.arange(256) == 0, graph.tensors[operation.inputs[0]], graph.results(operation)[0])


def truth_call(truths: Truths, a: Tensor, b: Tensor, result: Tensor) -> KernelCall:
    """The call that says of every pair what the table of truths says."""
    fields: dict[str, int | float | Array] = {**broadcast_parameters(a, b, result, "loops.")}
    fields["truths"] = sum(bit << place for place, bit in enumerate(truths))
    return repeating_call("logical", fields, (a, b, result))
