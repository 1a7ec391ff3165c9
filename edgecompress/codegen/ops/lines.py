"""ABS, LEAKY_RELU, RELU and RELU6: a straight line on either side of zero; int8 by a table, int16 by a kernel."""

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np

from edgecompress.codegen.arithmetic import multiply_by_quantized_multiplier, quantize_multiplier
from edgecompress.codegen.ops.activation import ACTIVATIONS, quantize
from edgecompress.codegen.ops.bands import by_length
from edgecompress.codegen.ops.base import KernelCall
from edgecompress.codegen.ops.lookup import Lookup, rescaling
from edgecompress.codegen.ops.requantization import bad_factor
from edgecompress.codegen.ops.sweeps import elementwise
from edgecompress.codegen.ops.widths import is_wide, require_integers
from edgecompress.tflite.graph import Graph, Operation, Tensor

SAME = (2**30, 1)
"""(multiplier, shift) of what is not rescaled."""


@dataclass(frozen=True)
class Lines:
    """Two lines that meet at zero.

    Attributes:
        positive, negative: (multiplier, shift) of inputs less their zero point; a multiplier may be negative.
        low, high: real bounds of the output; None is unbounded.
    """

    positive: tuple[int, int]
    negative: tuple[int, int]
    low: float | None = None
    high: float | None = None


class Bent(Lookup):
    """What the four share."""

    def rule_types(self, graph: Graph, operation: Operation) -> str:
        """input and output must be int8, or both int16 with zero points of 0, with one scale each"""
        return require_integers(graph, operation)

    @abstractmethod
    def lines(self, operation: Operation, source: Tensor, result: Tensor) -> Lines:
        """What becomes of inputs on either side."""

    def map(self, x: np.ndarray, operation: Operation, source: Tensor, result: Tensor) -> np.ndarray:
        assert source.quantization and result.quantization
        lines, centred = self.lines(operation, source, result), x - source.quantization.zero_point
        sides = [multiply_by_quantized_multiplier(centred, *side) for side in (lines.positive, lines.negative)]
        y = np.where(centred >= 0, *sides) + result.quantization.zero_point
        return np.clip(y, *_bounds(lines, result))

    def lower(self, graph: Graph, operation: Operation) -> KernelCall:
        source, (result,) = graph.tensors[operation.inputs[0]], graph.results(operation)
        if not is_wide(source):
            return super().lower(graph, operation)
        lines = self.lines(operation, source, result)
        lowest, highest = _bounds(lines, result)
        fields = {
            "elements": result.elements,
            "multiplier": lines.positive[0],
            "shift": lines.positive[1],
            "multiplier_negative": lines.negative[0],
            "shift_negative": lines.negative[1],
            "lowest": lowest,
            "highest": highest,
        }
        call = KernelCall("bend_s16", fields, (source, result), sweeps=(elementwise(source, result),))
        return by_length(call, "elements")


def _bounds(lines: Lines, result: Tensor) -> tuple[int, int]:
    """The lowest and the highest value of an output."""
    limits = np.iinfo(result.dtype)
    low = limits.min if lines.low is None else max(limits.min, quantize(lines.low, result))
    high = limits.max if lines.high is None else min(limits.max, quantize(lines.high, result))
    return low, high


class Relu(Bent):
    """RELU on its own: requantized to the output's scale, then clamped."""

    opcode = "RELU"

    def rule_factors(self, graph: Graph, operation: Operation) -> str:
        """the input's scale must be below 2^31 output scales"""
        return bad_factor(rescaling(graph.tensors[operation.inputs[0]], graph.results(operation)[0]))

    def factor(self, source: Tensor, result: Tensor) -> float:
        """What values are multiplied by."""
        return rescaling(source, result)

    def lines(self, operation: Operation, source: Tensor, result: Tensor) -> Lines:
        factor = quantize_multiplier(self.factor(source, result))
        return Lines(factor, factor, *ACTIVATIONS[self.opcode])


class Relu6(Relu):
    """RELU6 on its own: TensorFlow Lite Micro only clamps here, it does not rescale."""

    opcode = "RELU6"

    def rule_quantization(self, graph: Graph, operation: Operation) -> str:
        """input and output must have the same scale and zero point"""
        source, result = graph.tensors[operation.inputs[0]].quantization, graph.results(operation)[0].quantization
        return "" if source == result else f"{source} and {result}"


class ReluN1To1(Relu):
    """TensorFlow Lite Micro has none, and TensorFlow Lite none of int16; that divides the scales in float32."""

    opcode = "RELU_N1_TO_1"

    def rule_types(self, graph: Graph, operation: Operation) -> str:
        """input and output must be int8 with one scale each"""
        return Lookup.rule_types(self, graph, operation)

    def factor(self, source: Tensor, result: Tensor) -> float:
        assert source.quantization and result.quantization
        return float(np.float32(source.quantization.scale) / np.float32(result.quantization.scale))


class Abs(Bent):
    opcode = "ABS"

    def rule_factors(self, graph: Graph, operation: Operation) -> str:
        """the input's scale must be below 2^15 output scales"""
        factor = rescaling(graph.tensors[operation.inputs[0]], graph.results(operation)[0])
        return "" if factor < 2**15 else bad_factor(factor) or f"a factor of {factor:.3g}"

    def lines(self, operation: Operation, source: Tensor, result: Tensor) -> Lines:
        """Not rescaled where the scales are equal."""
        factor = rescaling(source, result)
        multiplier, shift = SAME if factor == 1 else quantize_multiplier(factor)
        return Lines((multiplier, shift), (-multiplier, shift))


class LeakyRelu(Bent):
    opcode = "LEAKY_RELU"
    options = ("alpha",)

    def rule_factors(self, graph: Graph, operation: Operation) -> str:
        """alpha must be finite, and the input's scale, with and without it, below 2^31 output scales"""
        factor, slope = self._factors(operation, graph.tensors[operation.inputs[0]], graph.results(operation)[0])
        return bad_factor(factor, abs(slope))

    def _factors(self, operation: Operation, source: Tensor, result: Tensor) -> tuple[float, float]:
        assert source.quantization and result.quantization
        alpha = float(operation.options["alpha"])  # type: ignore[arg-type]
        return rescaling(source, result), source.quantization.scale * alpha / result.quantization.scale

    def lines(self, operation: Operation, source: Tensor, result: Tensor) -> Lines:
        factor, slope = self._factors(operation, source, result)
        multiplier, shift = quantize_multiplier(abs(slope))
        return Lines(quantize_multiplier(factor), (multiplier if slope >= 0 else -multiplier, shift))
