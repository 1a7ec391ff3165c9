"""Operators that map one 8-bit value to another: a table of 256 entries made here is the whole kernel, and exact."""

import math
from abc import abstractmethod

import numpy as np

from edgecompress.codegen import arithmetic
from edgecompress.codegen.arithmetic import (
    input_radius,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
    round_half_away,
    rounding_shift_right,
)
from edgecompress.codegen.ops.activation import ACTIVATIONS, quantize, require_int8
from edgecompress.codegen.ops.bands import by_length
from edgecompress.codegen.ops.base import Array, KernelCall, Operator
from edgecompress.codegen.ops.requantization import bad_factor
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


class Saturating(Lookup):
    """What LOGISTIC and TANH share."""

    def rule_input(self, graph: Graph, operation: Operation) -> str:
        """the input's scale must be below 8 (beyond, TensorFlow Lite Micro's shift is undefined)"""
        q = graph.tensors[operation.inputs[0]].quantization
        assert q
        return "" if q.scale < 8 else f"scale {q.scale}"


class Logistic(Saturating):
    opcode = "LOGISTIC"

    def rule_output(self, graph: Graph, operation: Operation) -> str:
        """the output's scale must be 1/256 and its zero point -128"""
        q = graph.results(operation)[0].quantization
        assert q
        return "" if (q.scale, q.zero_point) == (1 / 256, -128) else f"scale {q.scale}, zero point {q.zero_point}"

    def map(self, x: np.ndarray, operation: Operation, source: Tensor, result: Tensor) -> np.ndarray:
        scaled, radius, centred = saturating_input(x, source)
        y = rounding_shift_right(arithmetic.logistic(scaled, INPUT_BITS), 31 - 8) - 128
        return np.where(centred <= -radius, -128, np.where(centred >= radius, 127, y))


class Tanh(Saturating):
    opcode = "TANH"

    def rule_output(self, graph: Graph, operation: Operation) -> str:
        """the output's scale must be 1/128 and its zero point 0"""
        q = graph.results(operation)[0].quantization
        assert q
        return "" if (q.scale, q.zero_point) == (1 / 128, 0) else f"scale {q.scale}, zero point {q.zero_point}"

    def map(self, x: np.ndarray, operation: Operation, source: Tensor, result: Tensor) -> np.ndarray:
        scaled, radius, centred = saturating_input(x, source)
        y = rounding_shift_right(arithmetic.tanh(scaled, INPUT_BITS), 31 - 7)
        return np.where(centred <= -radius, -128, np.where(centred >= radius, 127, y))


INPUT_BITS = 4


def saturating_input(x: np.ndarray, source: Tensor) -> tuple[np.ndarray, int, np.ndarray]:
    """(x in Q4.27, the radius beyond which the function saturates, x minus its zero point)."""
    assert source.quantization
    fraction, shift = math.frexp(source.quantization.scale * 2.0 ** (31 - INPUT_BITS))
    multiplier = round_half_away(fraction * 2**31)
    radius = input_radius(INPUT_BITS, shift)
    centred = x - source.quantization.zero_point
    inside = np.clip(centred, -radius + 1, radius - 1) if radius > 0 else np.zeros_like(centred)
    return multiply_by_quantized_multiplier(inside, multiplier, shift), radius, centred


class Relu(Lookup):
    """RELU on its own: requantized to the output's scale, then clamped."""

    opcode = "RELU"

    def rule_factors(self, graph: Graph, operation: Operation) -> str:
        """the input's scale must be below 2^31 output scales"""
        return bad_factor(rescaling(graph.tensors[operation.inputs[0]], graph.results(operation)[0]))

    def factor(self, source: Tensor, result: Tensor) -> float:
        """What values are multiplied by."""
        return rescaling(source, result)

    def map(self, x: np.ndarray, operation: Operation, source: Tensor, result: Tensor) -> np.ndarray:
        low, high = ACTIVATIONS[self.opcode]
        y = requantized(x, source, result, self.factor(source, result))
        y = y if low is None else np.maximum(y, quantize(low, result))
        return y if high is None else np.minimum(y, quantize(high, result))


class Relu6(Relu):
    """RELU6 on its own: TensorFlow Lite Micro only clamps here, it does not rescale."""

    opcode = "RELU6"

    def rule_quantization(self, graph: Graph, operation: Operation) -> str:
        """input and output must have the same scale and zero point"""
        source, result = graph.tensors[operation.inputs[0]].quantization, graph.results(operation)[0].quantization
        return "" if source == result else f"{source} and {result}"


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
