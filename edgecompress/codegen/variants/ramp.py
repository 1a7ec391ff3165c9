"""Requantization by two 32-bit multiplications, proven on every step (`ec_ramp_requantization.h`).

From sum to output, TFLM's arithmetic is a staircase of at most 255 steps. It is replaced by a ramp: a straight line
between the two ends of the stairs, rounded down. Slope and height are searched until every step lies where it must, which
for functions that never fall is equality everywhere. Rounding halves away from zero moves the steps of negative sums a
little: where stairs pass zero, the ramp has another height below (it is bent).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from edgecompress.codegen.arithmetic import multiply_by_quantized_multiplier
from edgecompress.codegen.ops.activation import activation_range
from edgecompress.codegen.ops.base import Array
from edgecompress.codegen.ops.requantization import multipliers
from edgecompress.codegen.ops.weighted import Parts
from edgecompress.tflite.graph import Operation, Tensor

SPLIT = 12
"""Bits of the slope's low part; the kernels shift by it."""
SHIFTS = range(23, 9, -1)
"""Of the line, the finest first; the first whose numbers 32 bits hold is taken."""
LARGEST_SUM = 2**31 - 2**9
"""After the left shift of a large factor: 32 bits hold it, the output's zero point added."""
STRAIGHT, BENT, EXACT = range(3)
"""The kinds of ramps in C."""
NEIGHBOURS = sorted(range(-16, 17), key=abs)
"""Slopes that are tried, beside the nearest to the real factor."""


@dataclass(frozen=True, eq=False)
class Stairs:
    """The outputs of every channel as steps over its sums.

    Attributes:
        first, last: [channels], the interval of the sums, int64.
        factors: [channels], from the sums to the outputs.
        lowest: [channels], the output at `first`.
        steps: [channels, 255], the first sum whose output is at least -127, -126, … 127; `last` + 1 where none is,
            `first` where all are.
    """

    first: np.ndarray
    last: np.ndarray
    factors: np.ndarray
    lowest: np.ndarray
    steps: np.ndarray

    @property
    def bottom(self) -> np.ndarray:
        """The last sum before the first step; `first` where the output is constant."""
        inside = np.where(self.is_inside, self.steps, 2**32).min(axis=1)
        return np.where(self.is_inside.any(axis=1), inside - 1, self.first)

    @property
    def top(self) -> np.ndarray:
        """The sum of the last step; `first` where the output is constant."""
        return np.where(self.is_inside, self.steps, self.first[:, None]).max(axis=1)

    @property
    def is_inside(self) -> np.ndarray:
        """[channels, 255]: which are steps within the interval."""
        return (self.steps > self.first[:, None]) & (self.steps <= self.last[:, None])

    def height(self, sums: np.ndarray) -> np.ndarray:
        """Steps climbed at sums [channels]: the output less `lowest`."""
        return np.asarray((self.is_inside & (self.steps <= sums[:, None])).sum(axis=1), np.int64)


@dataclass(frozen=True, eq=False)
class RampLayer:
    """A layer's ramps: output = (x · slope / 2^SPLIT + height) >> shift with x = clamp(sum + start, 0, limit).

    Attributes:
        start: [channels], int64.
        limit, slope, height: [channels], or [1] where one ramp serves all, int64; height includes the lowest output.
        shift: of all channels.
        bend, below: where ramps are bent, the x from which `height` holds and the height before it; else None.
    """

    start: np.ndarray
    limit: np.ndarray
    slope: np.ndarray
    height: np.ndarray
    shift: int
    bend: np.ndarray | None = None
    below: np.ndarray | None = None

    def parameters(self) -> dict[str, int | Array]:
        """The fields `ramps.*` of the kernel's struct."""
        columns = [self.limit, self.slope, self.height]
        if self.bend is not None and self.below is not None:
            columns += [self.bend, self.below]
        return {
            "ramps.starts": Array(_words(self.start)),
            "ramps.ramps": Array(_words(np.stack(columns, axis=1))),
            "ramps.step": len(columns) if len(self.limit) > 1 else 0,
            "ramps.kind": STRAIGHT if self.bend is None else BENT,
            "ramps.shift": self.shift,
        }

    def evaluate(self, sums: np.ndarray) -> np.ndarray:
        """The kernel's outputs for sums of products [channels, n], int64."""
        x = np.clip(sums + self.start[:, None], 0, self.limit[:, None])
        slope, height = self.slope[:, None], self.height[:, None]
        if self.bend is not None and self.below is not None:
            height = np.where(x < self.bend[:, None], self.below[:, None], height)
        line = x * (slope >> SPLIT) + (x * (slope & (2**SPLIT - 1)) >> SPLIT) + height
        return ((line & 0xFFFFFFFF) >> self.shift).astype(np.uint8).view(np.int8).astype(np.int64)


def ramps_of(
    rows: np.ndarray, bias: np.ndarray, scales: list[float], source: Tensor, operation: Operation, result: Tensor
) -> RampLayer | None:
    """The layer's ramps for a kernel that multiplies the inputs as they are, or None where none meets every step.

    Args:
        rows: weights [outputs, inputs of one output].
        bias: [outputs], int64.
        scales: one factor, or one per output.
    """
    assert source.quantization
    weights = rows.astype(np.int64)
    bias = bias - source.quantization.zero_point * weights.sum(axis=1)
    products = np.stack([weights * -128, weights * 127])
    first, last = bias + products.min(axis=0).sum(axis=1), bias + products.max(axis=0).sum(axis=1)
    layers = _layers(_stairs(first, last, np.resize(scales, len(rows)), operation, result))
    if len(scales) == 1:  # one ramp for all channels, if it can be
        union = first.min(keepdims=True), last.max(keepdims=True)
        layers = chain(_layers(_stairs(*union, np.array(scales), operation, result)), layers)
    layer = next(layers, None)
    return None if layer is None else replace(layer, start=layer.start + bias)


def exact_parameters(rows: np.ndarray, parts: Parts, operation: Operation) -> dict[str, int | Array]:
    """The fields `ramps.*` of a layer that is requantized as TFLM does it, for the same kernels."""
    assert parts.result.quantization
    multiplier, shift = multipliers(parts.scales)
    low, high = activation_range(operation, parts.result)
    return {
        "ramps.starts": Array(_words(parts.bias - parts.zero_point * rows.astype(np.int64).sum(axis=1))),
        "ramps.ramps": Array(np.stack([multiplier, shift, np.zeros_like(multiplier)], axis=1).reshape(-1)),
        "ramps.step": 3 if len(multiplier) > 1 else 0,
        "ramps.kind": EXACT,
        "ramps.output_offset": parts.result.quantization.zero_point,
        "ramps.activation_min": low,
        "ramps.activation_max": high,
    }


def _words(values: np.ndarray) -> np.ndarray:
    """Modulo 2³², as int32, in one dimension."""
    return (values & 0xFFFFFFFF).astype(np.uint32).view(np.int32).reshape(-1)


def _stairs(
    first: np.ndarray, last: np.ndarray, factors: np.ndarray, operation: Operation, result: Tensor
) -> Stairs | None:
    """The steps, by bisection; None where 32 bits would wrap."""
    assert result.quantization
    multiplier, shift = (x.astype(np.int64)[:, None] for x in multipliers(list(factors)))
    largest = np.maximum(np.abs(first), np.abs(last)) << np.maximum(shift[:, 0], 0)
    if (largest > LARGEST_SUM).any() or (last - first > LARGEST_SUM).any():
        return None
    zero_point, limits = result.quantization.zero_point, activation_range(operation, result)

    def output(sums: np.ndarray) -> np.ndarray:
        return np.clip(multiply_by_quantized_multiplier(sums, multiplier, shift) + zero_point, *limits)

    levels = np.arange(-127, 128)[None, :]
    below = np.repeat(first[:, None] - 1, 255, axis=1)
    reached = np.repeat(last[:, None] + 1, 255, axis=1)
    while ((reached - below) > 1).any():
        middle = (below + reached) // 2
        is_reached = (output(middle) >= levels) | (middle > last[:, None])
        below, reached = np.where(is_reached, below, middle), np.where(is_reached, middle, reached)
    return Stairs(first, last, factors, output(first[:, None])[:, 0], reached)


def _layers(stairs: Stairs | None) -> Iterator[RampLayer]:
    """The layer's straight ramps, then its bent ones, where there are any."""
    if stairs is None:
        return
    zero = -stairs.bottom  # where the sum is zero
    limit = stairs.top - stairs.bottom
    shift = next((s for s in SHIFTS if _holds(limit, stairs.factors, s)), None)
    if shift is None:
        return
    offset = stairs.lowest << shift
    found = _slopes(stairs, np.zeros_like(zero), shift)
    if found is not None:
        slope, _, height = found
        yield RampLayer(zero, limit, slope, height + offset, shift)
    bend = np.clip(zero, 0, limit)
    found = _slopes(stairs, bend, shift)
    if found is not None:
        slope, below, height = found
        yield RampLayer(zero, limit, slope, height + offset, shift, bend, below + offset)


def _holds(limit: np.ndarray, factors: np.ndarray, shift: int) -> bool:
    """Whether slopes and products stay within 32 bits, unsigned."""
    moving = limit > 0
    slopes = factors[moving] * 2.0 ** (shift + SPLIT) + len(NEIGHBOURS)
    products = limit[moving] * np.ceil(slopes / 2**SPLIT)
    return not ((slopes >= 2**32) | (products >= 2**32)).any() and bool((limit < 2 ** (32 - SPLIT)).all())


def _slopes(stairs: Stairs, bend: np.ndarray, shift: int) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """(slope, height below the bend, height from there on), each [channels]; None where a channel has none."""
    limit = stairs.top - stairs.bottom
    constant = limit == 0
    nearest = np.where(constant, 0, np.rint(stairs.factors * 2.0 ** (shift + SPLIT))).astype(np.int64)
    slope, below, height = (np.zeros_like(limit) for _ in range(3))
    missing = np.ones_like(constant)
    for step in NEIGHBOURS:
        candidate = np.maximum(nearest + np.where(constant, 0, step), 0)
        before, fits_before = _heights(stairs, candidate, np.zeros_like(limit), bend - 1, shift)
        after, fits_after = _heights(stairs, candidate, bend, limit, shift)
        chosen = missing & fits_before & fits_after
        for to, values in ((slope, candidate), (below, before), (height, after)):
            to[chosen] = values[chosen]
        missing &= ~chosen
        if not missing.any():
            return slope, below, height
    return None


def _heights(
    stairs: Stairs, slope: np.ndarray, start: np.ndarray, end: np.ndarray, shift: int
) -> tuple[np.ndarray, np.ndarray]:
    """(the lowest height of a ramp that meets every step for x in start..end, whether there is one), each [channels].

    Such a ramp is at least as high as the stairs where they have just risen, and lower than the next level where they
    are about to rise; so it is at `start` and `end`.
    """
    x = stairs.steps - stairs.bottom[:, None]
    levels = np.cumsum(stairs.is_inside, axis=1)
    lines = x * slope[:, None] - (levels << (shift + SPLIT))
    first, last = start[:, None], end[:, None]
    risen = np.where(stairs.is_inside & (x >= first) & (x <= last), -lines, np.iinfo(np.int64).min)
    rising = np.where(stairs.is_inside & (x - 1 >= first) & (x - 1 <= last), -lines + slope[:, None], 2**62)
    at_start = (stairs.height(start + stairs.bottom) << (shift + SPLIT)) - start * slope
    at_end = (stairs.height(end + stairs.bottom) + 1 << (shift + SPLIT)) - end * slope
    lowest = np.maximum(risen.max(axis=1), at_start)
    highest = np.minimum(rising.min(axis=1), at_end) - 1
    height = -(-lowest >> SPLIT)
    is_empty = end < start
    return np.where(is_empty, 0, height), is_empty | (height << SPLIT <= highest)
