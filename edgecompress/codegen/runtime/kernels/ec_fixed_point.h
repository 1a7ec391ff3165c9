/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* TensorFlow Lite's fixed-point arithmetic ("double rounding"), in C that neither overflows nor shifts a negative number left. */
#ifndef EC_FIXED_POINT_H
#define EC_FIXED_POINT_H

#include <stdint.h>

/* a * b / 2^31 to nearest, as gemmlowp's SaturatingRoundingDoublingHighMul. Adding half and shifting down is the same as its
 * division towards zero with a signed nudge. Not both operands may be INT32_MIN (no multiplier of a network is). */
static inline int32_t ec_high_multiply(int32_t a, int32_t b) {
    return (int32_t)(((int64_t)a * b + (1 << 30)) >> 31);
}

/* x / 2^exponent to nearest, halves away from zero; exponent in 0..31. */
static inline int32_t ec_rounding_shift_right(int32_t x, int32_t exponent) {
    const int32_t mask = (int32_t)((UINT32_C(1) << exponent) - 1u);
    const int32_t threshold = (mask >> 1) + (x < 0);
    return (x >> exponent) + ((x & mask) > threshold);
}

/* x * 2^exponent modulo 2^32; exponent in 0..31. */
static inline int32_t ec_shift_left(int32_t x, int32_t exponent) {
    return (int32_t)((uint32_t)x << exponent);
}

/* x * multiplier * 2^(shift - 31), rounded twice; shift in -31..31. */
static inline int32_t ec_multiply_by_quantized_multiplier(int32_t x, int32_t multiplier, int32_t shift) {
    const int32_t left = shift > 0 ? shift : 0;
    const int32_t right = shift > 0 ? 0 : -shift;
    return ec_rounding_shift_right(ec_high_multiply(ec_shift_left(x, left), multiplier), right);
}

/* x * multiplier * 2^(shift - 15), rounded once: of 64-bit sums below 2^47, by the upper halves of multipliers; shift in -31..7. What
 * is beyond 32 bits is lost. */
static inline int32_t ec_multiply_by_reduced_multiplier(int64_t x, int32_t multiplier, int32_t shift) {
    const int32_t right = 15 - shift;
    return (int32_t)(uint32_t)((x * multiplier + (INT64_C(1) << (right - 1))) >> right);
}

static inline int32_t ec_clamp(int32_t x, int32_t low, int32_t high) {
    const int32_t above = x < low ? low : x;
    return above > high ? high : above;
}

#endif
