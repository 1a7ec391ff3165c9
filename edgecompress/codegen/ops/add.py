"""ADD, SUB and SQUARED_DIFFERENCE: both operands are brought to a common scale with fractional bits, then requantized."""

from typing import ClassVar

import numpy as np

from edgecompress.codegen.arithmetic import multiply_by_quantized_multiplier, quantize_multiplier
from edgecompress.codegen.ops.activation import activation_range
from edgecompress.codegen.ops.pairs import Fields, Pairwise, zero_points
from edgecompress.codegen.ops.requantization import bad_factor
from edgecompress.codegen.ops.widths import is_wide
from edgecompress.tflite.graph import Graph, Operation

LEFT_SHIFT = 20
"""Of int8."""
ONE_HALF = (2**30, 0)
"""What the operand with the larger scale is multiplied by: (multiplier, shift)."""


class CommonScale(Pairwise):
    """What the three share: half the larger scale, times 2^-fractional_bits, is the unit of both operands."""

    source = "add"
    shifts: ClassVar[tuple[int, int]] = (LEFT_SHIFT, 15)
    """Fractional bits of int8 and of int16."""

    def fractional_bits(self, graph: Graph, operation: Operation) -> int:
        """Of both operands on the common scale."""
        return self.shifts[is_wide(graph.results(operation)[0])]

    def multipliers(self, graph: Graph, operation: Operation) -> list[tuple[int, int]]:
        """(multiplier, shift) of the first input, the second input and the output."""
        a, b = (graph.tensors[i].quantization for i in operation.inputs)
        assert a and b
        twice_max = 2.0 * max(a.scale, b.scale)
        factors = a.scale / twice_max, b.scale / twice_max, self._output_factor(graph, operation)
        return [quantize_multiplier(factor) for factor in factors]

    def rule_factors(self, graph: Graph, operation: Operation) -> str:
        """the inputs' scales must be below 2^50 output scales, in int16 2^45"""
        return bad_factor(self._output_factor(graph, operation))

    def _output_factor(self, graph: Graph, operation: Operation) -> float:
        a, b = (graph.tensors[i].quantization for i in operation.inputs)
        q = graph.results(operation)[0].quantization
        assert a and b and q
        return self.rescaled(2.0 * max(a.scale, b.scale), q.scale, self.fractional_bits(graph, operation))

    def rescaled(self, twice_max: float, scale: float, bits: int) -> float:
        """The factor of the output: as TensorFlow Lite Micro computes it, in double precision."""
        return twice_max / (2**bits * scale)

    def operands_in_common(
        self, a: np.ndarray, b: np.ndarray, graph: Graph, operation: Operation
    ) -> tuple[np.ndarray, np.ndarray]:
        """Both on the common scale."""
        factors, (zero_a, zero_b, _) = self.multipliers(graph, operation), zero_points(graph, operation)
        bits = self.fractional_bits(graph, operation)
        return (
            multiply_by_quantized_multiplier((a - zero_a) << bits, *factors[0]),
            multiply_by_quantized_multiplier((b - zero_b) << bits, *factors[1]),
        )

    def to_output(self, x: np.ndarray, graph: Graph, operation: Operation) -> np.ndarray:
        """From the common scale."""
        factor = self.multipliers(graph, operation)[2]
        return multiply_by_quantized_multiplier(x, *factor) + zero_points(graph, operation)[2]

    def parameters(self, graph: Graph, operation: Operation) -> Fields:
        zero_a, zero_b, zero_point = zero_points(graph, operation)
        low, high = activation_range(operation, graph.results(operation)[0])
        fields: Fields = {"offset_a": -zero_a, "offset_b": -zero_b}
        for name, (multiplier, shift) in zip(("a", "b", "output"), self.multipliers(graph, operation), strict=True):
            fields |= {f"multiplier_{name}": multiplier, f"shift_{name}": shift}
        return fields | {"output_offset": zero_point, "activation_min": low, "activation_max": high}


class Add(CommonScale):
    opcode = "ADD"

    def combine(self, a: np.ndarray, b: np.ndarray, graph: Graph, operation: Operation) -> np.ndarray:
        a, b = self.operands_in_common(a, b, graph, operation)
        return self.to_output(a + b, graph, operation)


class Sub(CommonScale):
    opcode = "SUB"

    def combine(self, a: np.ndarray, b: np.ndarray, graph: Graph, operation: Operation) -> np.ndarray:
        a, b = self.operands_in_common(a, b, graph, operation)
        return self.to_output(a - b, graph, operation)


class SquaredDifference(CommonScale):
    opcode = "SQUARED_DIFFERENCE"
    shifts = (7, 0)

    def rule_factors(self, graph: Graph, operation: Operation) -> str:
        """the square of the larger input scale must be below 2^43 output scales, in int16 2^29"""
        return super().rule_factors(graph, operation)

    def rescaled(self, twice_max: float, scale: float, bits: int) -> float:
        """Of a square."""
        return twice_max * twice_max / (2 ** (2 * bits) * scale)

    def combine(self, a: np.ndarray, b: np.ndarray, graph: Graph, operation: Operation) -> np.ndarray:
        a, b = self.operands_in_common(a, b, graph, operation)
        return self.to_output((a - b) ** 2, graph, operation)
