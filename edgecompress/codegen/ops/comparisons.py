"""EQUAL, NOT_EQUAL, GREATER, GREATER_EQUAL, LESS and LESS_EQUAL: of two int8 quantizations, of int32 or of truth values."""

from typing import ClassVar

import numpy as np

from edgecompress.codegen.arithmetic import multiply_by_quantized_multiplier, quantize_multiplier
from edgecompress.codegen.ops.activation import bad_quantization
from edgecompress.codegen.ops.base import Array, KernelCall, Operator, types_of
from edgecompress.codegen.ops.broadcasting import broadcast_mismatch, broadcast_parameters, repeating_call
from edgecompress.codegen.ops.logical import truth_call
from edgecompress.codegen.ops.lookup import by_table
from edgecompress.tflite.graph import Graph, Operation, Tensor

LEFT_SHIFT = 8
"""Of int8 values before they are multiplied by their scale."""


class Comparison(Operator):
    """int8 values are multiplied by their scales first, in 32-bit fixed point, so nearly equal ones may become equal."""

    operands = (2, 2)
    outcomes: ClassVar[tuple[bool, bool, bool]]
    """What is said where the first is less, equal, greater."""
    types: ClassVar[tuple[type[np.generic], ...]] = (np.int8, np.int32)

    def rule_types(self, graph: Graph, operation: Operation) -> str:
        """inputs must be int8 with one scale each, or int32, or for EQUAL and NOT_EQUAL bool; the output bool"""
        a, b = (graph.tensors[i] for i in operation.inputs)
        (result,) = graph.results(operation)
        if a.dtype != b.dtype or a.dtype not in self.types or result.dtype != np.bool_:
            return types_of(graph, operation)
        return (bad_quantization(a) or bad_quantization(b)) if a.dtype == np.int8 else ""

    def rule_shapes(self, graph: Graph, operation: Operation) -> str:
        """the inputs must broadcast to the output's shape, in at most four dimensions"""
        return broadcast_mismatch(graph, operation)

    def rule_scales(self, graph: Graph, operation: Operation) -> str:
        """scales of int8 inputs must be below 1 (TensorFlow Lite aborts beyond)"""
        tensors = [graph.tensors[i] for i in operation.inputs]
        large = [t.quantization.scale for t in tensors if t.dtype == np.int8 and t.quantization]
        return next((f"scale {scale}" for scale in large if scale >= 1), "")

    def compare(self, a: np.ndarray, b: np.ndarray, graph: Graph, operation: Operation) -> np.ndarray:
        """Truth values of the inputs' values, which broadcast."""
        x, y = (comparable(v, graph.tensors[i]) for v, i in zip((a, b), operation.inputs, strict=True))
        return np.array(self.outcomes)[1 + np.sign(x - y)]

    def reference(self, graph: Graph, operation: Operation, inputs: list[np.ndarray | None]) -> list[np.ndarray]:
        a, b = inputs
        assert a is not None and b is not None
        return [np.asarray(self.compare(a, b, graph, operation))]

    def lower(self, graph: Graph, operation: Operation) -> KernelCall:
        a, b = (graph.tensors[i] for i in operation.inputs)
        (result,) = graph.results(operation)
        if a.dtype == np.bool_:
            less, equal, greater = self.outcomes
            return truth_call((equal, less, greater, equal), a, b, result)
        table = self._table(a, b, graph, operation)
        if table is not None:
            return by_table(table, b if a.is_constant else a, result)
        fields: dict[str, int | float | Array] = {**broadcast_parameters(a, b, result, "loops.")}
        if a.dtype == np.int8:
            fields |= {**_scaling(a, "a"), **_scaling(b, "b")}
        fields["outcomes"] = sum(bit << place for place, bit in enumerate(self.outcomes))
        kernel = "compare" if a.dtype == np.int8 else "compare_int32"
        return repeating_call(kernel, fields, (a, b, result), "compare")

    def _table(self, a: Tensor, b: Tensor, graph: Graph, operation: Operation) -> np.ndarray | None:
        """By the byte read as unsigned, where one int8 input is a constant number."""
        every_byte = np.arange(256, dtype=np.uint8).view(np.int8)
        if a.dtype != np.int8 or a.is_constant == b.is_constant:
            return None
        if a.data is not None and a.elements == 1:
            return self.compare(a.data.reshape(-1), every_byte, graph, operation)
        if b.data is not None and b.elements == 1:
            return self.compare(every_byte, b.data.reshape(-1), graph, operation)
        return None


def comparable(x: np.ndarray, tensor: Tensor) -> np.ndarray:
    """The values as numbers that can be compared with those of the other input."""
    if tensor.dtype != np.int8:
        return x.astype(np.int64)
    assert tensor.quantization
    factor = quantize_multiplier(tensor.quantization.scale)
    return multiply_by_quantized_multiplier(
        (x.astype(np.int64) - tensor.quantization.zero_point) << LEFT_SHIFT, *factor
    )


def _scaling(tensor: Tensor, name: str) -> dict[str, int | float | Array]:
    assert tensor.quantization
    multiplier, shift = quantize_multiplier(tensor.quantization.scale)
    zero_point = tensor.quantization.zero_point
    return {f"offset_{name}": -zero_point, f"multiplier_{name}": multiplier, f"shift_{name}": shift}


class Equal(Comparison):
    opcode = "EQUAL"
    outcomes = (False, True, False)
    types = (np.int8, np.int32, np.bool_)


class NotEqual(Comparison):
    opcode = "NOT_EQUAL"
    outcomes = (True, False, True)
    types = (np.int8, np.int32, np.bool_)


class Greater(Comparison):
    opcode = "GREATER"
    outcomes = (False, False, True)


class GreaterEqual(Comparison):
    opcode = "GREATER_EQUAL"
    outcomes = (False, True, True)


class Less(Comparison):
    opcode = "LESS"
    outcomes = (True, False, False)


class LessEqual(Comparison):
    opcode = "LESS_EQUAL"
    outcomes = (True, True, False)
