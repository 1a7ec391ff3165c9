"""TensorFlow Lite Micro's fixed-point arithmetic in NumPy: the specification that every kernel is held to.

Two's-complement 32-bit integers are held in int64 arrays; functions that can wrap on the device wrap here too.
Sources: the TFLite 8-bit quantization specification, and gemmlowp's fixed-point primitives ("double rounding").
"""

import math

import numpy as np

INT32_MIN, INT32_MAX = -(2**31), 2**31 - 1

Integers = np.ndarray | int


def wrap_int32(x: Integers) -> np.ndarray:
    """x modulo 2³², as a signed number."""
    return (np.asarray(x, np.int64) + 2**31) % 2**32 - 2**31


def round_half_away(x: float) -> int:
    """The nearest integer, halves away from zero (C's round)."""
    return math.floor(abs(x) + 0.5) * (1 if x >= 0 else -1)


def quantize_multiplier(real: float) -> tuple[int, int]:
    """A positive real number as multiplier · 2^(shift - 31), multiplier in [2³⁰, 2³¹) or 0.

    Returns:
        (multiplier, shift); both 0 when real < 2⁻³² or so, where TFLite flushes to zero.
    """
    if real == 0.0:
        return 0, 0
    fraction, shift = math.frexp(real)
    multiplier = round_half_away(fraction * 2**31)
    if multiplier == 2**31:
        multiplier //= 2
        shift += 1
    return (0, 0) if shift < -31 else (multiplier, shift)


def high_multiply(a: Integers, b: Integers) -> np.ndarray:
    """gemmlowp's SaturatingRoundingDoublingHighMul: a · b / 2³¹, rounded to nearest, saturating."""
    product = np.asarray(a, np.int64) * np.asarray(b, np.int64)
    nudged = product + np.where(product >= 0, 2**30, 1 - 2**30)
    quotient = np.where(nudged >= 0, nudged >> 31, -((-nudged) >> 31))  # C divides towards zero
    return np.minimum(quotient, INT32_MAX)


def rounding_shift_right(x: Integers, exponent: Integers) -> np.ndarray:
    """gemmlowp's RoundingDivideByPOT: x / 2^exponent to nearest, halves away from zero; exponent in 0..31."""
    x, exponent = np.asarray(x, np.int64), np.asarray(exponent, np.int64)
    mask = (np.int64(1) << exponent) - 1
    threshold = (mask >> 1) + (x < 0)
    return (x >> exponent) + ((x & mask) > threshold)


def multiply_by_quantized_multiplier(x: Integers, multiplier: Integers, shift: Integers) -> np.ndarray:
    """x · multiplier · 2^(shift - 31), rounded twice as TFLM does; arrays broadcast.

    The left shift of a positive `shift` wraps to 32 bits, as it does on the device.
    """
    shift = np.asarray(shift, np.int64)
    shifted = wrap_int32(np.asarray(x, np.int64) << np.maximum(shift, 0))
    return rounding_shift_right(high_multiply(shifted, multiplier), np.maximum(-shift, 0))


def reduced_multiplier(multiplier: Integers) -> np.ndarray:
    """The upper 16 bits of a 31-bit multiplier, rounded, but never 2¹⁵."""
    return np.minimum((np.asarray(multiplier, np.int64) + 2**15) >> 16, 2**15 - 1)


def multiply_by_reduced_multiplier(x: Integers, multiplier: Integers, shift: Integers) -> np.ndarray:
    """x · multiplier · 2^(shift - 31) with a reduced multiplier, rounded once: what TFLM makes of 64-bit sums; arrays broadcast.

    |x| < 2⁴⁷ and shift < 8; what is beyond 32 bits is lost, as it is on the device.
    """
    right = 15 - np.asarray(shift, np.int64)
    product = np.asarray(x, np.int64) * reduced_multiplier(multiplier)
    return wrap_int32((product + (np.int64(1) << (right - 1))) >> right)


def input_radius(integer_bits: int, left_shift: int) -> int:
    """The largest magnitude whose rescaling by 2^left_shift still has `integer_bits` integer bits (31 in all)."""
    return math.floor(1.0 * (2**integer_bits - 1) * 2 ** (31 - integer_bits) / 2**left_shift)


def rescale(x: np.ndarray, exponent: int) -> np.ndarray:
    """gemmlowp's SaturatingRoundingMultiplyByPOT: x · 2^exponent, saturating upwards, rounding downwards."""
    if exponent <= 0:
        return rounding_shift_right(x, -exponent)
    return np.clip(np.asarray(x, np.int64) << exponent, INT32_MIN, INT32_MAX)


def exp_on_negative_values(x: np.ndarray, integer_bits: int) -> np.ndarray:
    """exp(x) for x <= 0 in Q(integer_bits).(31 - integer_bits); the result is in Q0.31.

    gemmlowp's algorithm: a Taylor polynomial on [-1/4, 0), then one multiplication for each higher bit of x.
    """
    x = np.asarray(x, np.int64)
    fractional_bits = 31 - integer_bits
    quarter = 1 << (fractional_bits - 2)
    a = (x & (quarter - 1)) - quarter
    result = _exp_between_minus_quarter_and_zero(rescale(a, integer_bits))
    remainder = a - x
    factors = {-2: 1672461947, -1: 1302514674, 0: 790015084, 1: 290630308, 2: 39332535, 3: 720401, 4: 242}
    for exponent, factor in factors.items():
        if integer_bits > exponent:
            bit = 1 << (fractional_bits + exponent)
            result = np.where(remainder & bit, high_multiply(result, factor), result)
    if integer_bits > 5:
        result = np.where(x < -(1 << (36 - integer_bits)), 0, result)
    return np.where(x == 0, INT32_MAX, result)


def _exp_between_minus_quarter_and_zero(a: np.ndarray) -> np.ndarray:
    constant, one_third = 1895147668, 715827883  # exp(-1/8) and 1/3 in Q0.31
    x = a + (1 << 28)
    x2 = high_multiply(x, x)
    x3 = high_multiply(x2, x)
    x4 = high_multiply(x2, x2)
    tail = rescale(high_multiply(rescale(x4, -2) + x3, one_third) + x2, -1)
    return constant + high_multiply(constant, x + tail)


def reciprocal_of_one_plus(a: np.ndarray) -> np.ndarray:
    """1 / (1 + a) for a in (0, 1), both in Q0.31, by gemmlowp's three Newton-Raphson steps."""
    return rescale(_newton_reciprocal(a), 1)


def one_minus_over_one_plus(a: np.ndarray) -> np.ndarray:
    """(1 - a) / (1 + a) for a in (0, 1), both in Q0.31."""
    return rescale(_newton_reciprocal(a) - (1 << 29), 2)


def _newton_reciprocal(a: np.ndarray) -> np.ndarray:
    """2 / (1 + a) in Q2.29."""
    total = np.asarray(a, np.int64) + INT32_MAX
    half_denominator = np.where(total >= 0, (total + 1) >> 1, -((-(total - 1)) >> 1))
    x = 1515870810 + high_multiply(half_denominator, -1010580540)  # 48/17 and -32/17 in Q2.29
    for _ in range(3):
        error = (1 << 29) - high_multiply(half_denominator, x)
        x = x + rescale(high_multiply(x, error), 2)
    return x


def logistic(x: np.ndarray, integer_bits: int) -> np.ndarray:
    """1 / (1 + exp(-x)) for x in Q(integer_bits); the result is in Q0.31 (gemmlowp)."""
    x = np.asarray(x, np.int64)
    positive = reciprocal_of_one_plus(exp_on_negative_values(-np.abs(x), integer_bits))
    return np.where(x == 0, 1 << 30, np.where(x > 0, positive, INT32_MAX - positive))


def tanh(x: np.ndarray, integer_bits: int) -> np.ndarray:
    """tanh(x) for x in Q(integer_bits); the result is in Q0.31 (gemmlowp)."""
    x = np.asarray(x, np.int64)
    # exp's argument is 2x: the same raw number read with one integer bit more
    positive = one_minus_over_one_plus(exp_on_negative_values(-np.abs(x), integer_bits + 1))
    return np.where(x == 0, 0, np.where(x > 0, positive, -positive))
