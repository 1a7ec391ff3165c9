/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* SOFTMAX, int8, over the last dimension: exp and reciprocal in fixed point, after gemmlowp. */
#include "ec_softmax.h"

#include "ec_exponential.h"

static int32_t exponential(const ec_softmax_params *p, int32_t difference) {
    return ec_exp_on_negative_values(ec_high_multiply(ec_shift_left(difference, p->left_shift), p->multiplier));
}

static void softmax_row(const ec_softmax_params *p, const int8_t *input, int8_t *output) {
    int32_t largest = INT8_MIN;
    for (int32_t i = 0; i < p->depth; ++i) {
        largest = input[i] > largest ? input[i] : largest;
    }
    int32_t sum = 0;
    for (int32_t i = 0; i < p->depth; ++i) {
        const int32_t difference = input[i] - largest;
        if (difference >= p->smallest_difference) {
            sum += ec_rounding_shift_right(exponential(p, difference), EC_SUM_INTEGER_BITS);
        }
    }
    const int32_t headroom = ec_leading_zeros(sum);
    const int32_t reciprocal = ec_reciprocal_of_one_plus((int32_t)(((uint32_t)sum << headroom) - 0x80000000u));
    const int32_t exponent = EC_SUM_INTEGER_BITS - headroom + 31 - 8;
    const int32_t counts = exponent > 31 ? 1 : p->smallest_difference; /* no difference is 1: all are nearest to 0 */
    for (int32_t i = 0; i < p->depth; ++i) {
        const int32_t difference = input[i] - largest;
        int32_t value = INT8_MIN;
        if (difference >= counts) {
            value += ec_rounding_shift_right(ec_high_multiply(reciprocal, exponential(p, difference)), exponent);
        }
        output[i] = (int8_t)ec_clamp(value, INT8_MIN, INT8_MAX);
    }
}

void ec_softmax(const ec_softmax_params *p, const int8_t *input, int8_t *output) {
    for (int32_t row = 0; row < p->rows; ++row) {
        softmax_row(p, input + row * p->depth, output + row * p->depth);
    }
}
