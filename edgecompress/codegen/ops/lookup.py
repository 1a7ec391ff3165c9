"""Operators that map one 8-bit value to another: a table of 256 entries made here is the whole kernel, and exact."""

from abc import abstractmethod

import numpy as np

from edgecompress.codegen.arithmetic import multiply_by_quantized_multiplier, quantize_multiplier
from edgecompress.codegen.ops.activation import require_int8
from edgecompress.codegen.ops.bands import by_length
from edgecompress.codegen.ops.base import Array, KernelCall, Operator
from edgecompress.codegen.ops.sweeps import elementwise
from edgecompress.tflite.graph import Graph, Operation, Tensor


class Lookup(Operator):
    """An element-wise operator of one 8-bit input: subclasses say what becomes of every input value."""

    def rule_types(self, graph: Graph, operation: Operation) -> str:
        """input and output must be int8 with one scale each"""
        return require_int8(graph, operation)

    def rule_shapes(self, graph: Graph, operation: Operation) -> str:
        """input and output must have the same shape"""
        source, result = graph.tensors[operation.inputs[0]], graph.results(operation)[0]
        return "" if source.shape == result.shape else f"{list(source.shape)} -> {list(result.shape)}"

    @abstractmethod
    def map(self, x: np.ndarray, operation: Operation, source: Tensor, result: Tensor) -> np.ndarray:
        """The outputs, not yet clamped to the output's type, of the int64 inputs x."""

    def _mapped(self, x: np.ndarray, graph: Graph, operation: Operation) -> np.ndarray:
        source, result = graph.tensors[operation.inputs[0]], graph.results(operation)[0]
        limits = np.iinfo(result.dtype)
        return np.clip(self.map(x.astype(np.int64), operation, source, result), limits.min, limits.max).astype(
            result.dtype
        )

    def table(self, graph: Graph, operation: Operation) -> np.ndarray:
        """The output of every 8-bit input, the lowest one first: [256], the output's dtype."""
        limits = np.iinfo(graph.tensors[operation.inputs[0]].dtype)
        return self._mapped(np.arange(limits.min, limits.max + 1), graph, operation)

    def reference(self, graph: Graph, operation: Operation, inputs: list[np.ndarray | None]) -> list[np.ndarray]:
        assert inputs[0] is not None
        return [self._mapped(inputs[0], graph, operation)]

    def lower(self, graph: Graph, operation: Operation) -> KernelCall:
        source, result = graph.tensors[operation.inputs[0]], graph.results(operation)[0]
        # indexed by the input's byte read as unsigned
        every_byte = np.arange(256, dtype=np.uint8).view(source.dtype)
        return by_table(self._mapped(every_byte, graph, operation), source, result)


def by_table(table: np.ndarray, source: Tensor, result: Tensor) -> KernelCall:
    """The call that looks every value up; `table`: [256], by the input's byte read as unsigned."""
    fields: dict[str, int | float | Array] = {"elements": result.elements, "table": Array(table.view(np.uint8))}
    call = KernelCall("lookup", fields, (source, result), sweeps=(elementwise(source, result),))
    return by_length(call, "elements")


def rescaling(source: Tensor, result: Tensor) -> float:
    """What a value is multiplied by to come to the output's scale."""
    assert source.quantization and result.quantization
    return source.quantization.scale / result.quantization.scale


def requantized(x: np.ndarray, source: Tensor, result: Tensor, factor: float | None = None) -> np.ndarray:
    """x in the output's scale and zero point, not clamped; `factor`: between the scales, where it is not their quotient."""
    assert source.quantization and result.quantization
    scaling = quantize_multiplier(rescaling(source, result) if factor is None else factor)
    return (
        multiply_by_quantized_multiplier(x - source.quantization.zero_point, *scaling) + result.quantization.zero_point
    )
