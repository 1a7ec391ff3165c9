"""The fixed-point arithmetic against hand-computed values, exact rationals and real functions; and the C against Python."""

import ctypes
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecompress.codegen import arithmetic, writer
from edgecompress.codegen.arithmetic import INT32_MAX, INT32_MIN
from edgecompress.targets import host

int32 = st.integers(INT32_MIN, INT32_MAX)
EDGES = (INT32_MIN, INT32_MIN + 1, -(2**30), -3, -2, -1, 0, 1, 2, 3, 2**30 - 1, 2**30, INT32_MAX - 1, INT32_MAX)


@pytest.mark.parametrize(
    ("real", "expected"),
    [
        (0.5, (2**30, 0)),
        (1.0, (2**30, 1)),
        (0.75, (3 * 2**29, 0)),
        (3.0, (3 * 2**29, 2)),
        (0.0, (0, 0)),
        (2.0**-32, (2**30, -31)),
        (2.0**-33, (0, 0)),
        (1 - 2.0**-40, (2**30, 1)),  # rounds up to the next power of two
        (0.5 + 2.0**-32, (2**30 + 1, 0)),  # half a unit: away from zero
        (2.0**30, (2**30, 31)),
    ],
)
def test_multiplier_of_known_numbers(real, expected):
    assert arithmetic.quantize_multiplier(real) == expected


@given(st.floats(2.0**-31, 2.0**31))
def test_multiplier_and_shift_give_the_number_back(real):
    multiplier, shift = arithmetic.quantize_multiplier(real)
    assert 2**30 <= multiplier < 2**31
    assert abs(Fraction(multiplier) * Fraction(2) ** (shift - 31) / Fraction(real) - 1) <= Fraction(1, 2**31)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (2**30, 2**30, 2**29),
        (1, 2**30, 1),  # one half rounds up
        (-1, 2**30, 0),  # minus one half too
        (-3, 2**30, -1),
        (3, 2**30, 2),
        (INT32_MAX, INT32_MAX, INT32_MAX - 1),
        (INT32_MIN, INT32_MAX, -INT32_MAX),
        (INT32_MIN, INT32_MIN, INT32_MAX),  # saturates
        (0, INT32_MIN, 0),
    ],
)
def test_high_multiply_of_known_numbers(a, b, expected):
    assert int(arithmetic.high_multiply(a, b)) == expected


@given(int32, int32)
def test_high_multiply_is_the_rational_rounded_to_nearest(a, b):
    exact = Fraction(a * b, 2**31)
    assert int(arithmetic.high_multiply(a, b)) == min(math.floor(exact + Fraction(1, 2)), INT32_MAX)


@given(int32, st.integers(0, 31))
def test_rounding_shift_is_the_rational_rounded_half_away_from_zero(x, exponent):
    exact = abs(Fraction(x, 2**exponent))
    assert int(arithmetic.rounding_shift_right(x, exponent)) == math.floor(exact + Fraction(1, 2)) * (
        1 if x >= 0 else -1
    )


@given(st.integers(-(2**24), 2**24), st.floats(2.0**-30, 64.0, exclude_max=True))
def test_multiplication_by_a_quantized_multiplier_is_one_unit_from_the_real_product(x, real):
    product = arithmetic.multiply_by_quantized_multiplier(x, *arithmetic.quantize_multiplier(real))
    assert abs(int(product) - x * real) <= 1.0 + abs(x * real) * 2.0**-30


@pytest.mark.parametrize(
    ("x", "shift", "expected"), [(2**30, 2, 0), (2**30, 1, INT32_MIN // 2), (1, 31, INT32_MIN // 2)]
)
def test_left_shift_wraps_to_32_bits(x, shift, expected):
    assert int(arithmetic.multiply_by_quantized_multiplier(x, 2**30, shift)) == expected


@given(st.integers(-(2**40), 2**40))
def test_wrapping_is_what_a_32_bit_register_holds(x):
    assert int(arithmetic.wrap_int32(x)) == ctypes.c_int32(x).value


@given(st.floats(-1e6, 1e6))
def test_halves_are_rounded_away_from_zero(x):
    assert arithmetic.round_half_away(x) == math.copysign(math.floor(Fraction(abs(x)) + Fraction(1, 2)), x)


@pytest.mark.parametrize("integer_bits", [3, 4, 5])
def test_exp_is_the_real_one_to_22_bits(integer_bits):
    x = -np.unique(np.geomspace(1, 2**31 - 1, 4000).astype(np.int64))
    real = np.exp(x / 2.0 ** (31 - integer_bits))
    assert np.abs(arithmetic.exp_on_negative_values(x, integer_bits) / 2.0**31 - real).max() < 2.0**-22
    assert int(arithmetic.exp_on_negative_values(np.array([0]), integer_bits)[0]) == INT32_MAX


def test_reciprocals_are_the_real_ones():
    a = np.linspace(0, 2**31 - 1, 5001).astype(np.int64)
    real = a / 2.0**31
    assert np.abs(arithmetic.reciprocal_of_one_plus(a) / 2.0**31 - 1 / (1 + real)).max() < 2.0**-27
    assert np.abs(arithmetic.one_minus_over_one_plus(a) / 2.0**31 - (1 - real) / (1 + real)).max() < 2.0**-26


@pytest.mark.parametrize(
    ("ours", "real"), [(arithmetic.logistic, lambda x: 1 / (1 + np.exp(-x))), (arithmetic.tanh, np.tanh)]
)
def test_curves_are_the_real_ones(ours, real):
    x = np.linspace(-(2**31) + 1, 2**31 - 1, 8001).astype(np.int64)
    assert np.abs(ours(x, 4) / 2.0**31 - real(x / 2.0**27)).max() < 2.0**-22


@given(st.integers(1, 12), st.integers(0, 31))
def test_inputs_within_the_radius_keep_their_integer_bits(integer_bits, left_shift):
    radius = arithmetic.input_radius(integer_bits, left_shift)
    assert (radius << left_shift) < 2**31
    assert ((radius + 1) << left_shift) > (2**integer_bits - 1) * 2 ** (31 - integer_bits)


WRAPPERS = """
#include "ec_fixed_point.h"
void high(const int32_t *a, const int32_t *b, int32_t *out, int n) {
    for (int i = 0; i < n; ++i) out[i] = ec_high_multiply(a[i], b[i]);
}
void shift_right(const int32_t *a, const int32_t *b, int32_t *out, int n) {
    for (int i = 0; i < n; ++i) out[i] = ec_rounding_shift_right(a[i], b[i]);
}
void scale(const int32_t *x, const int32_t *multiplier, const int32_t *shift, int32_t *out, int n) {
    for (int i = 0; i < n; ++i) out[i] = ec_multiply_by_quantized_multiplier(x[i], multiplier[i], shift[i]);
}
void clamp(const int32_t *x, int32_t low, int32_t high, int32_t *out, int n) {
    for (int i = 0; i < n; ++i) out[i] = ec_clamp(x[i], low, high);
}
"""


@pytest.fixture(scope="module")
def kernels(tmp_path_factory):
    """The C of ec_fixed_point.h as functions of arrays; undefined behaviour ends the process."""
    sources = {**writer.kernel_sources(["ec_add"]), "wrappers.c": WRAPPERS}
    output = tmp_path_factory.mktemp("library") / f"wrappers{host.LIBRARY_SUFFIX}"
    return ctypes.CDLL(str(host.build(sources, output, kind="library", sanitizer="undefined")))


def call(function, *arguments):
    """The int32 array that a wrapper writes."""
    arrays = [np.ascontiguousarray(a, np.int32) if isinstance(a, np.ndarray) else a for a in arguments]
    result = np.empty(arrays[0].shape, np.int32)
    pointer = ctypes.POINTER(ctypes.c_int32)
    function(*(a.ctypes.data_as(pointer) if isinstance(a, np.ndarray) else a for a in (*arrays, result)), result.size)
    return result.astype(np.int64)


def pairs(second):
    """Every edge with every one of `second`, and random numbers with them."""
    generator = np.random.default_rng(0)
    random = generator.integers(INT32_MIN, INT32_MAX, 20_000, endpoint=True)
    first = np.concatenate([np.array(EDGES), random])
    a, b = np.meshgrid(first, np.asarray(second, np.int64))
    return a.reshape(-1), b.reshape(-1)


def test_c_high_multiply_equals_pythons(kernels):
    a, b = pairs([*EDGES, 1672461947, -1010580540])
    defined = ~((a == INT32_MIN) & (b == INT32_MIN))  # the one case that no network has
    a, b = a[defined], b[defined]
    assert np.array_equal(call(kernels.high, a, b), arithmetic.high_multiply(a, b))


def test_c_rounding_shift_equals_pythons(kernels):
    a, b = pairs(range(32))
    assert np.array_equal(call(kernels.shift_right, a, b), arithmetic.rounding_shift_right(a, b))


def test_c_scaling_equals_pythons(kernels):
    x, shift = pairs(range(-31, 32))
    multiplier = np.random.default_rng(1).integers(2**30, 2**31, x.size)
    expected = arithmetic.multiply_by_quantized_multiplier(x, multiplier, shift)
    assert np.array_equal(call(kernels.scale, x, multiplier, shift), expected)


@pytest.mark.parametrize(("low", "high"), [(-128, 127), (-128, -128), (127, 127), (5, 9)])
def test_c_clamp_equals_pythons(kernels, low, high):
    x, _ = pairs([0])
    assert np.array_equal(call(kernels.clamp, x, low, high), np.clip(x, low, high))
