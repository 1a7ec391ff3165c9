/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* L2_NORMALIZATION, int8, over the last dimension: the inverse square root by five Newton-Raphson steps in Q3.28. */
#include "ec_l2_normalization.h"

#include "ec_exponential.h"

enum { STEP_BITS = 7 }; /* 128 steps are one */

/* x * 2^exponent, rounded; exponent is positive and nothing saturates. */
static int32_t up(int32_t x, int32_t exponent) {
    return x * (1 << exponent);
}

/* 1 / sqrt(x) as multiplier * 2^(-31 - right shift). */
static int32_t inverse_square_root(int32_t x, int32_t *right_shift) {
    *right_shift = 0;
    if (x <= 1) {
        return INT32_MAX;
    }
    int32_t shift = 11;
    while (x >= 1 << 29) {
        x /= 4;
        ++shift;
    }
    const int32_t pairs = (ec_leading_zeros(x) - 1) / 2 - 1;
    shift -= pairs;
    x <<= 2 * pairs;
    const int32_t half = ec_rounding_shift_right(x >> 1, 1);
    int32_t r = 1 << 28;
    for (int32_t i = 0; i < 5; ++i) {
        const int32_t cube = up(ec_high_multiply(ec_high_multiply(r, r), r), 6);
        r = up(ec_high_multiply(3 << 27, r) - ec_high_multiply(half, cube), 3);
    }
    r = ec_high_multiply(r, 1518500250);
    *right_shift = shift < 0 ? 0 : shift;
    return shift < 0 ? up(r, -shift) : r;
}

void ec_l2_normalization(const ec_l2_normalization_params *p, const int8_t *input, int8_t *output) {
    for (int32_t row = 0; row < p->rows; ++row, input += p->depth, output += p->depth) {
        int32_t sum = 0;
        for (int32_t i = 0; i < p->depth; ++i) {
            const int32_t x = input[i] + p->input_offset;
            sum += x * x;
        }
        int32_t shift;
        const int32_t multiplier = inverse_square_root(sum, &shift);
        for (int32_t i = 0; i < p->depth; ++i) {
            const int32_t x = input[i] + p->input_offset;
            output[i] = (int8_t)ec_clamp(ec_multiply_by_quantized_multiplier(x, multiplier, STEP_BITS - shift), INT8_MIN, INT8_MAX);
        }
    }
}
