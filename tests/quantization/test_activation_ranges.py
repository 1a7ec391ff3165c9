"""Ranges from histograms, against brute force, NumPy's percentiles and numbers worked out by hand."""

import numpy as np
import pytest

from edgecompress.quantization.ranges import (
    BINS,
    FRACTIONS,
    STRIDE,
    Histogram,
    Range,
    divergence,
    kl,
    min_max,
    mse,
    percentile,
)


def histogram(values):
    low, high = float(values.min()), float(values.max())
    return Histogram(low, high, np.histogram(values, BINS, (low, high))[0])


def heavy_tailed(seed, positive):
    values = np.random.default_rng(seed).laplace(0, 1, 60_000)
    values[:3] = (40, -25, 31)
    return np.maximum(values, 0) if positive else values


def test_scale_and_zero_point_are_those_worked_out_by_hand():
    found = Range(-1.0, 3.0).quantization()
    assert found.scale == np.float32(4 / 255)
    assert found.zero_point == -64  # -128 + 255 / 4 = -64.25
    assert Range(0.0, 6.0).quantization().zero_point == -128


def test_a_range_always_contains_zero():
    assert min_max(Histogram(2.0, 5.0, np.ones(BINS))) == Range(0.0, 5.0)
    assert min_max(Histogram(-5.0, -2.0, np.ones(BINS))) == Range(-5.0, 0.0)


def test_a_constant_activation_has_no_range():
    assert Range(0.0, 0.0).quantization() is None


def test_percentiles_are_those_of_the_values_to_a_bin():
    values = heavy_tailed(1, positive=False)
    found, width = percentile(histogram(values), 99.0), (values.max() - values.min()) / BINS
    assert found.low == pytest.approx(np.percentile(values, 1), abs=width)
    assert found.high == pytest.approx(np.percentile(values, 99), abs=width)
    assert percentile(histogram(values), 100) == min_max(histogram(values))


def errors_of_all_pairs(given):
    """The mean squared error of every pair of clipping points, one value at a time."""
    used = np.flatnonzero(given.counts)
    for low in {f * min(given.low, 0) for f in FRACTIONS}:
        for high in {f * max(given.high, 0) for f in FRACTIONS}:
            scale = float(np.float32((high - low) / 255))
            zero = round(-128 - low / scale)
            total = 0.0
            for value, count in zip(given.centers[used], given.counts[used], strict=True):
                integer = min(127, max(-128, round(value / scale) + zero))
                total += count * ((integer - zero) * scale - value) ** 2
            yield total, Range(low, high)


def test_mse_finds_the_pair_of_least_error_among_all():
    values = np.concatenate((np.random.default_rng(2).normal(0, 1, 30), [9.0, -4.0]))
    given = histogram(values)
    least, best = min(errors_of_all_pairs(given), key=lambda pair: pair[0])
    found = mse(given)
    assert (found.low, found.high) == pytest.approx((best.low, best.high))
    quantized = found.quantization()
    used = given.counts > 0
    integers = np.clip(np.rint(given.centers[used] / quantized.scale) + quantized.zero_point, -128, 127)
    error = np.sum(
        given.counts[used] * ((integers - quantized.zero_point) * quantized.scale - given.centers[used]) ** 2
    )
    assert error == pytest.approx(least)


@pytest.mark.parametrize("positive", [True, False])
def test_mse_cuts_rare_outliers_and_keeps_the_rest(positive):
    found = mse(histogram(heavy_tailed(3, positive)))
    assert 6 < found.high < 40


def migacz(counts, size, levels):
    """The divergence by loops, as the talk's pseudo-code has it."""
    reference = [float(c) for c in counts[:size]]
    candidate = [0.0] * size
    for level in range(levels):
        bins = [i for i in range(size) if i * levels // size == level]
        filled = [i for i in bins if reference[i] > 0]
        for i in filled:
            candidate[i] = sum(reference[j] for j in bins) / len(filled)
    reference[-1] += float(sum(counts[size:]))
    p, q = np.array(reference) / sum(reference), np.array(candidate) / sum(candidate)
    return sum(a * np.log(a / b) if b else np.inf for a, b in zip(p, q, strict=True) if a > 0)


def test_the_divergence_is_that_of_the_pseudo_code():
    counts = np.random.default_rng(4).poisson(np.geomspace(200, 0.3, 96))
    for size in (16, 40, 96):
        assert divergence(counts, size, 16) == pytest.approx(migacz(counts, size, 16))


def test_the_divergence_of_a_distribution_from_itself_is_zero():
    assert divergence(np.array([5, 1, 3, 2]), 4, 4) == 0.0


@pytest.mark.parametrize("positive", [True, False])
def test_kl_takes_the_threshold_of_least_divergence(positive):
    given = histogram(heavy_tailed(5, positive))
    levels, largest = (256 if positive else 128), max(-given.low, given.high)
    counts, _ = np.histogram(np.abs(given.centers), BINS, (0, largest), weights=given.counts)
    counts[0] = counts[1]
    sizes = range(levels, BINS + 1, STRIDE)
    best = min(sizes, key=lambda size: migacz(counts, size, levels))
    found = kl(given)
    assert found.high == pytest.approx(min(given.high, largest * best / BINS))
    assert found.high < 31
