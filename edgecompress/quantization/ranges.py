"""From a histogram of an activation to the range that 256 integers have to cover: min-max, percentile, MSE, KL.

A narrower range rounds more finely and clips what lies beyond. All ranges contain zero, as TFLite demands.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from edgecompress.tflite.graph import Quantization

BINS = 2048
LEVELS = 256
"""Of int8."""
FRACTIONS = np.linspace(0.02, 1.0, 50)
"""Of the smallest and the largest value: the clipping points that MSE tries, in all pairs."""
STRIDE = 8
"""Bins between two thresholds that KL tries."""
_SMALLEST = 1e-9
"""A range below this is none: the activation was constant."""


@dataclass(frozen=True, eq=False)
class Histogram:
    """How often an activation took which value.

    Attributes:
        low, high: the smallest and the largest value seen.
        counts: (BINS,), of equal width between the two.
    """

    low: float
    high: float
    counts: np.ndarray

    @property
    def edges(self) -> np.ndarray:
        return np.linspace(self.low, self.high, len(self.counts) + 1)

    @property
    def centers(self) -> np.ndarray:
        return (self.edges[:-1] + self.edges[1:]) / 2


@dataclass(frozen=True)
class Range:
    """low <= 0 <= high, in real numbers."""

    low: float
    high: float

    def quantization(self, bits: int = 8) -> Quantization | None:
        """The scale and zero point of signed integers; None for a range of nothing."""
        low, high = min(self.low, 0.0), max(self.high, 0.0)
        if high - low < _SMALLEST:
            return None
        least, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
        scale = (high - low) / (most - least)
        zero_point = int(np.clip(np.rint(least - low / scale), least, most))
        return Quantization((float(np.float32(scale)),), (zero_point,))


def min_max(histogram: Histogram) -> Range:
    """Everything that was seen: nothing is clipped."""
    return _with_zero(histogram.low, histogram.high)


def percentile(histogram: Histogram, share: float = 99.99) -> Range:
    """From the (100 - share)th to the share-th percentile, values spread evenly within a bin.

    Args:
        share: 50..100.
    """
    below = np.concatenate(([0], np.cumsum(histogram.counts))) / max(1, histogram.counts.sum())
    low, high = np.interp((1 - share / 100, share / 100), below, histogram.edges)
    return _with_zero(float(low), float(high))


def mse(histogram: Histogram) -> Range:
    """The least mean squared difference between values and what integers make of them, over pairs of clipping points.

    Candidates are `FRACTIONS` of the smallest and of the largest value; clipping and rounding are both counted.
    """
    whole = min_max(histogram)
    used = histogram.counts > 0
    values, weights = histogram.centers[used], histogram.counts[used].astype(np.float64)
    lows = FRACTIONS * whole.low if whole.low < 0 else np.zeros(1)
    highs = FRACTIONS * whole.high if whole.high > 0 else np.zeros(1)
    best, least = whole, rounding_error(whole, values, weights)
    for low in lows:
        for high in highs:
            tried = Range(float(low), float(high))
            error = rounding_error(tried, values, weights)
            if error < least:
                best, least = tried, error
    return best


def kl(histogram: Histogram) -> Range:
    """The least Kullback-Leibler divergence between the clipped distribution and its quantized form.

    S. Migacz, "8-bit inference with TensorRT", GTC 2017: of |x|, cut after i bins, the rest is added to the last; the
    i bins are merged into 128 levels, whose counts are spread over the bins that were not empty. Without a sign (after
    ReLU) there are 256 levels. The first bin, where ReLU's zeros are, counts as the second: zero is always exact. The
    threshold clips both ends.
    """
    sizes, weights = np.abs(histogram.centers), histogram.counts
    signed = histogram.low < 0 < histogram.high
    levels = LEVELS // 2 if signed else LEVELS
    largest = max(abs(histogram.low), abs(histogram.high))
    if largest < _SMALLEST:
        return min_max(histogram)
    counts, _ = np.histogram(sizes, BINS, (0.0, largest), weights=weights)
    counts[0] = counts[1]
    sizes_tried = range(levels, BINS + 1, STRIDE)
    divergences = [divergence(counts, size, levels) for size in sizes_tried]
    threshold = largest * sizes_tried[int(np.argmin(divergences))] / BINS
    return _with_zero(max(histogram.low, -threshold), min(histogram.high, threshold))


Method = Callable[[Histogram], Range]
METHODS: Mapping[str, Method] = MappingProxyType({"minmax": min_max, "percentile": percentile, "mse": mse, "kl": kl})


def rounding_error(tried: Range, values: np.ndarray, weights: np.ndarray) -> float:
    """The sum over `values`, `weights` times each, of the squared difference to their nearest integer's number."""
    quantization = tried.quantization()
    if quantization is None:
        return float(np.sum(weights * values**2))
    scale, zero_point = quantization.scale, quantization.zero_point
    integers = np.clip(np.rint(values / scale) + zero_point, -LEVELS // 2, LEVELS // 2 - 1)
    return float(np.sum(weights * ((integers - zero_point) * scale - values) ** 2))


def divergence(counts: np.ndarray, size: int, levels: int) -> float:
    """Kullback-Leibler divergence of the first `size` bins, outliers added to the last, from their `levels`-fold form."""
    clipped = counts[:size].astype(np.float64)
    there = clipped > 0
    place = np.arange(size) * levels // size
    sums = np.bincount(place, clipped, levels)
    filled = np.bincount(place, there, levels)
    merged = np.where(there, (sums / np.maximum(filled, 1))[place], 0)
    wanted = clipped.copy()
    wanted[-1] += counts[size:].sum()
    if not merged.sum() or not wanted.sum():
        return float("inf")
    p, q = wanted / wanted.sum(), merged / merged.sum()
    used = p > 0
    if np.any(q[used] == 0):
        return float("inf")
    return float(np.sum(p[used] * np.log(p[used] / q[used])))


def _with_zero(low: float, high: float) -> Range:
    return Range(min(low, 0.0), max(high, 0.0))
