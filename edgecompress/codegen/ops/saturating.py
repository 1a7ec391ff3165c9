"""LOGISTIC and TANH: int8 in fixed point after gemmlowp, as a table; int16 interpolated between the values of a table."""

import math
from abc import abstractmethod
from typing import ClassVar

import numpy as np

from edgecompress.codegen import arithmetic, curves_16
from edgecompress.codegen.arithmetic import (
    input_radius,
    multiply_by_quantized_multiplier,
    round_half_away,
    rounding_shift_right,
)
from edgecompress.codegen.ops.bands import by_length
from edgecompress.codegen.ops.base import Array, KernelCall
from edgecompress.codegen.ops.lookup import Lookup
from edgecompress.codegen.ops.sweeps import elementwise
from edgecompress.codegen.ops.widths import is_wide, require_integers, sized
from edgecompress.tflite.graph import Graph, Operation, Tensor

INPUT_BITS = 4
WIDE_INPUT = 2.0**-12
"""The int16 input's scale that is not rescaled."""
MOST_FACTOR = 2**15 - 1
NEARLY = 1e-3
"""How far the logarithm of a power of two may be off in TensorFlow Lite's eyes."""
UNSURE = 1e-5
"""Of that limit, which TensorFlow Lite compares in float32."""


class Saturating(Lookup):
    """What both share."""

    output: ClassVar[tuple[float, int]]
    """Scale and zero point of the int8 output."""
    kept: ClassVar[tuple[int, ...]]
    """Powers of two, times `WIDE_INPUT`, that an int16 input's scale may be without being rescaled."""

    def rule_types(self, graph: Graph, operation: Operation) -> str:
        """input and output must be int8, or both int16 with zero points of 0, with one scale each"""
        return require_integers(graph, operation)

    def rule_input(self, graph: Graph, operation: Operation) -> str:
        """the input's scale must be below 8 (beyond, TensorFlow Lite Micro's shift is undefined), in int16 below 2.66"""
        source = graph.tensors[operation.inputs[0]]
        assert source.quantization
        scale = source.quantization.scale
        if not is_wide(source):
            return "" if scale < 8 else f"scale {scale}"
        unsure = abs(_distance(scale) - NEARLY) < UNSURE
        return f"scale {scale}" if unsure or scale * 3 / WIDE_INPUT > MOST_FACTOR else ""

    def rule_output(self, graph: Graph, operation: Operation) -> str:
        """the output's scale must be that of the function, from its lowest to its highest value: in int16 2^-15"""
        (result,) = graph.results(operation)
        q = result.quantization
        assert q
        expected = (2.0**-15, 0) if is_wide(result) else self.output
        return "" if (q.scale, q.zero_point) == expected else f"scale {q.scale}, zero point {q.zero_point}"

    def scaling(self, source: Tensor) -> tuple[int, int]:
        """(factor, right shift) of an int16 input: to 3 / `WIDE_INPUT`."""
        assert source.quantization
        scale = source.quantization.scale
        power = round(math.log2(scale / WIDE_INPUT))
        if _distance(scale) < NEARLY and power in self.kept:
            return 3 << power, 0
        factor, shift = scale * 3 / WIDE_INPUT, 0
        while factor <= MOST_FACTOR / 2 and shift <= 30:
            factor, shift = factor * 2, shift + 1
        return int(factor), shift

    def lower(self, graph: Graph, operation: Operation) -> KernelCall:
        source, (result,) = graph.tensors[operation.inputs[0]], graph.results(operation)
        if not is_wide(source):
            return super().lower(graph, operation)
        factor, shift = self.scaling(source)
        table = Array((curves_16.SIGMOID - 2**15).astype(np.int16))
        fields: dict[str, int | float | Array] = {"elements": result.elements, "factor": factor, "shift": shift}
        call = KernelCall(
            sized(self.opcode.lower(), source),
            {**fields, "sigmoid": table},
            (source, result),
            source="curves_s16",
            sweeps=(elementwise(source, result),),
        )
        return by_length(call, "elements")

    def map(self, x: np.ndarray, operation: Operation, source: Tensor, result: Tensor) -> np.ndarray:
        if is_wide(source):
            return self.interpolated(curves_16.scaled(x, *self.scaling(source)))
        scaled, radius, centred = saturating_input(x, source)
        y = self.fixed_point(scaled)
        return np.where(centred <= -radius, -128, np.where(centred >= radius, 127, y))

    @abstractmethod
    def interpolated(self, scaled: np.ndarray) -> np.ndarray:
        """The int16 output of a scaled input."""

    @abstractmethod
    def fixed_point(self, scaled: np.ndarray) -> np.ndarray:
        """The int8 output of an input in Q4.27."""


class Logistic(Saturating):
    opcode = "LOGISTIC"
    output = 1 / 256, -128
    kept = (0,)

    def interpolated(self, scaled: np.ndarray) -> np.ndarray:
        return curves_16.sigmoid_at(scaled)

    def fixed_point(self, scaled: np.ndarray) -> np.ndarray:
        return rounding_shift_right(arithmetic.logistic(scaled, INPUT_BITS), 31 - 8) - 128


class Tanh(Saturating):
    opcode = "TANH"
    output = 1 / 128, 0
    kept = (0, 1)

    def interpolated(self, scaled: np.ndarray) -> np.ndarray:
        return curves_16.tanh_at(scaled)

    def fixed_point(self, scaled: np.ndarray) -> np.ndarray:
        return rounding_shift_right(arithmetic.tanh(scaled, INPUT_BITS), 31 - 7)


def saturating_input(x: np.ndarray, source: Tensor) -> tuple[np.ndarray, int, np.ndarray]:
    """(x in Q4.27, the radius beyond which the function saturates, x minus its zero point)."""
    assert source.quantization
    fraction, shift = math.frexp(source.quantization.scale * 2.0 ** (31 - INPUT_BITS))
    multiplier = round_half_away(fraction * 2**31)
    radius = input_radius(INPUT_BITS, shift)
    centred = x - source.quantization.zero_point
    inside = np.clip(centred, -radius + 1, radius - 1) if radius > 0 else np.zeros_like(centred)
    return multiply_by_quantized_multiplier(inside, multiplier, shift), radius, centred


def _distance(scale: float) -> float:
    """Of its logarithm to the nearest power of two's."""
    return abs(math.log2(scale) - round(math.log2(scale)))
