"""Layers whose requantization can be done in a third of the instructions, exactly (`ec_quick_requantization.h`).

It needs sums within 2³⁰ - 1 and factors below one half. Channels that break this and whose output is the same for every
input anyway (their weights were trained away, and the converter gave them extreme scales) are rewritten into channels
that give that same output within the limits.
"""

from dataclasses import dataclass, replace

import numpy as np

from edgecompress.codegen.arithmetic import multiply_by_quantized_multiplier
from edgecompress.codegen.ops.activation import activation_range
from edgecompress.codegen.ops.base import Array
from edgecompress.codegen.ops.requantization import multipliers, requantization_fields
from edgecompress.codegen.ops.weighted import Parts
from edgecompress.tflite.graph import Operation, Tensor

LARGEST_SUM = 2**30 - 1
INT32 = 2**31


@dataclass(frozen=True)
class Limits:
    """What a kernel's constants can express.

    Attributes:
        bias: the largest, what the input's zero point adds included.
        shift: the largest, to the right.
    """

    bias: int = 2**31 - 1
    shift: int = 30


@dataclass(frozen=True, eq=False)
class QuickLayer:
    """A layer's numbers within the limits.

    Attributes:
        rows: weights [outputs, inputs of one output], int8.
        bias: [outputs], int64.
        multiplier, shift: one per output, or one for all.
    """

    rows: np.ndarray
    bias: np.ndarray
    multiplier: np.ndarray
    shift: np.ndarray

    def with_zero_point(self, zero_point: int) -> "QuickLayer":
        """For a kernel that multiplies the inputs as they are: what their zero point adds to the sums is known here."""
        return replace(self, bias=self.bias - zero_point * self.rows.astype(np.int64).sum(axis=1))

    def parameters(self, operation: Operation, result: Tensor) -> dict[str, int | Array]:
        """The fields `bias` and `requantization.*` of the kernel's struct."""
        fields = requantization_fields(self.multiplier, self.shift, operation, result)
        return {"bias": Array(self.bias.astype(np.int32)), **fields}


def quicken(rows: np.ndarray, parts: Parts, operation: Operation, limits: Limits) -> QuickLayer | None:
    """The layer within the limits, or None where a channel that matters breaks them.

    Args:
        rows: weights [outputs, inputs of one output].
    """
    layer = QuickLayer(rows, parts.bias, *multipliers(parts.scales))
    outside = _outside(layer, parts.zero_point, limits)
    if not outside.any():
        return layer
    if len(parts.scales) == 1:
        return None
    constant, value = _constant_channels(layer, parts.source, operation, parts.result)
    if (outside & ~constant).any():
        return None
    # 4 (y - zero_point), halved twice: once by the multiplier 2³⁰, once by the shift
    assert parts.result.quantization
    return replace(
        layer,
        rows=np.where(outside[:, None], 0, rows).astype(np.int8),
        bias=np.where(outside, 4 * (value - parts.result.quantization.zero_point), layer.bias),
        multiplier=np.where(outside, 2**30, layer.multiplier).astype(np.int32),
        shift=np.where(outside, -1, layer.shift).astype(np.int8),
    )


def _outside(layer: QuickLayer, zero_point: int, limits: Limits) -> np.ndarray:
    """Which outputs break the limits."""
    largest = 255 * np.abs(layer.rows.astype(np.int64)).sum(axis=1) + np.abs(layer.bias)
    bias = np.abs(layer.with_zero_point(zero_point).bias)
    factors = (layer.shift < -limits.shift) | (layer.shift > -1) | (layer.multiplier <= 0)
    return (largest > LARGEST_SUM) | (bias > limits.bias) | factors


def _constant_channels(
    layer: QuickLayer, source: Tensor, operation: Operation, result: Tensor
) -> tuple[np.ndarray, np.ndarray]:
    """(whether an output is the same for every input, that output), from the interval of its sum."""
    assert source.quantization and result.quantization
    limits = np.iinfo(source.dtype)
    smallest, largest = limits.min - source.quantization.zero_point, limits.max - source.quantization.zero_point
    products = np.stack([layer.rows.astype(np.int64) * smallest, layer.rows.astype(np.int64) * largest])
    low = layer.bias + np.minimum(products.min(axis=0), 0).sum(axis=1)
    high = layer.bias + np.maximum(products.max(axis=0), 0).sum(axis=1)
    ends = []
    for end in (low, high):
        scaled = multiply_by_quantized_multiplier(end, layer.multiplier.astype(np.int64), layer.shift.astype(np.int64))
        ends.append(np.clip(scaled + result.quantization.zero_point, *activation_range(operation, result)))
    # the left shift of a large factor could wrap in between: such channels are never called constant
    wraps = np.maximum(np.abs(low), np.abs(high)) << np.maximum(layer.shift.astype(np.int64), 0) >= INT32
    return (ends[0] == ends[1]) & ~wraps, ends[0]
