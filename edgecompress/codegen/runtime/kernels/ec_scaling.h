/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* Bias and requantization of one output channel in eight bytes, for layers where it was proven offline that sums stay within
 * 2^30 - 1, that factors are below one half, and that biases fit into 26 bits. */
#ifndef EC_SCALING_H
#define EC_SCALING_H

#include "ec_dsp.h"
#include "ec_fixed_point.h"

typedef struct {
    int32_t multiplier;     /* 2^30 .. 2^31 - 1 */
    int32_t bias_and_shift; /* bias * 64 + shift - 1, the shift to the right in 1 .. 22 */
} ec_scaling;

/* In tables two numbers each. */
static inline ec_scaling ec_scaling_of(const int32_t *scalings, int32_t channel) {
    const ec_scaling s = {scalings[2 * channel], scalings[2 * channel + 1]};
    return s;
}

/* Twice the bias: the sums are doubled, so that the upper half of their product with the multiplier is TensorFlow Lite's first
 * rounding. */
static inline int32_t ec_scaling_bias(ec_scaling s) {
    return s.bias_and_shift >> 5;
}

/* One less than the shift. */
static inline int32_t ec_scaling_shift(ec_scaling s) {
    return s.bias_and_shift & 63;
}

/* What is added before the shift: one half, for the second rounding, and the output's zero point. */
static inline int32_t ec_scaling_offset(ec_scaling s, int32_t zero_point) {
    return (int32_t)((uint32_t)(2 * zero_point + 1) << ec_scaling_shift(s));
}

/* `twice` is twice the sum with its bias. All that is negative becomes the zero point -128, so that it does not matter that
 * TensorFlow Lite rounds negative halves the other way. */
static inline int8_t ec_scale_relu(ec_scaling s, int32_t twice) {
    const int32_t scaled = ec_multiply_top_add(twice, s.multiplier, ec_scaling_offset(s, -128));
    return (int8_t)ec_clamp((scaled >> ec_scaling_shift(s)) >> 1, -128, 127);
}

/* Any zero point: a negative number gets one less before the shift. */
static inline int8_t ec_scale_linear(ec_scaling s, int32_t twice, int32_t zero_point) {
    const int32_t scaled = ec_multiply_top(twice, s.multiplier);
    const int32_t rounded = scaled + (scaled >> 31) + ec_scaling_offset(s, zero_point);
    return (int8_t)ec_clamp((rounded >> ec_scaling_shift(s)) >> 1, -128, 127);
}

#endif
