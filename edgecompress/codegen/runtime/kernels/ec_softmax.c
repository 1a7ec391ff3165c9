/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* SOFTMAX, int8 to int8 or int16, over the last dimension: exp and reciprocal in fixed point, after gemmlowp. */
#include "ec_softmax.h"

#include "ec_exponential.h"

static int32_t exponential(const ec_softmax_params *p, int32_t difference) {
    return ec_exp_on_negative_values(ec_high_multiply(ec_shift_left(difference, p->left_shift), p->multiplier));
}

struct row {
    int32_t largest;
    int32_t reciprocal; /* of the sum of exponentials */
    int32_t headroom;
};

static struct row row_of(const ec_softmax_params *p, const int8_t *input) {
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
    return (struct row){largest, reciprocal, headroom};
}

/* the share of an entry in so many bits, 0 for none; a sum so large that the shift is 32 leaves all nearest to 0 */
static int32_t share(const ec_softmax_params *p, const struct row *row, int32_t value, int32_t bits) {
    const int32_t difference = value - row->largest;
    const int32_t exponent = EC_SUM_INTEGER_BITS - row->headroom + 31 - bits;
    if (difference < p->smallest_difference || exponent > 31) {
        return 0;
    }
    return ec_rounding_shift_right(ec_high_multiply(row->reciprocal, exponential(p, difference)), exponent);
}

void ec_softmax(const ec_softmax_params *p, const int8_t *input, int8_t *output) {
    for (int32_t number = 0; number < p->rows; ++number, input += p->depth, output += p->depth) {
        const struct row row = row_of(p, input);
        for (int32_t i = 0; i < p->depth; ++i) {
            output[i] = (int8_t)ec_clamp(INT8_MIN + share(p, &row, input[i], 8), INT8_MIN, INT8_MAX);
        }
    }
}

void ec_softmax_s16(const ec_softmax_params *p, const int8_t *input, int16_t *output) {
    for (int32_t number = 0; number < p->rows; ++number, input += p->depth, output += p->depth) {
        const struct row row = row_of(p, input);
        for (int32_t i = 0; i < p->depth; ++i) {
            output[i] = (int16_t)ec_clamp(INT16_MIN + share(p, &row, input[i], 16), INT16_MIN, INT16_MAX);
        }
    }
}
