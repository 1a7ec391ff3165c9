/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* LOG_SOFTMAX, int8, over the last dimension: x - log(sum of exp), both in Q5.26, after gemmlowp. */
#include "ec_log_softmax.h"

#include "ec_exponential.h"

enum { EXTRA_BITS = 6, STEP_BITS = 22, ZERO_POINT = 127 };

/* x * 2^exponent, saturating; x is not negative. */
static int32_t saturating_shift_left(int32_t x, int32_t exponent) {
    return x > INT32_MAX >> exponent ? INT32_MAX : x << exponent;
}

/* The exponent of 2 that a number with so many leading zeros has, in Q6.25; x is in Q12.19. */
static int32_t exponent_of(int32_t leading_zeros) {
    return (EC_SUM_INTEGER_BITS - leading_zeros) * (1 << (31 - EXTRA_BITS));
}

/* log(x) in Q5.26 for x >= 1 in Q12.19: the exponent times log(2), and a quotient of polynomials for what is left, which is within
 * a quarter of an exponent around the fourth root of 1 / 2. */
static int32_t logarithm(int32_t x) {
    const int32_t fourth_root = 1805811301, root = 1518500250, log_2 = 1488522236, quarter = 1 << 23;
    const int32_t zeros = ec_leading_zeros(x);
    const int32_t lower = saturating_shift_left(ec_high_multiply(x << (zeros - 1), root), 1);
    const int32_t zeros_below = ec_leading_zeros(ec_high_multiply(x, root)) - 1;
    const int32_t upper = saturating_shift_left(x, zeros_below);
    const int32_t exponent_lower = exponent_of(zeros) + quarter;
    const int32_t exponent_upper = exponent_of(zeros_below) - quarter;
    const int32_t r = lower < upper ? lower : upper;
    const int32_t exponent = exponent_lower > exponent_upper ? exponent_lower : exponent_upper;
    const int32_t half_sum = (int32_t)(((int64_t)r + fourth_root + 1) >> 1);
    const int32_t q = (r - fourth_root) * 2;
    const int32_t q2 = ec_high_multiply(q, q);
    const int32_t numerator = ec_high_multiply(q, r) + ec_high_multiply(ec_high_multiply(q, q2), 117049297);
    const int32_t denominator =
        ec_high_multiply(half_sum, 1057819769 + q + ec_high_multiply(127690142, q2)) + ec_high_multiply(638450708, q);
    const int32_t quotient =
        ec_high_multiply(ec_rounding_shift_right(numerator, EXTRA_BITS), ec_reciprocal_of_one_plus(denominator));
    return (ec_high_multiply(exponent, log_2) + quotient) * 2;
}

static int32_t scaled(const ec_log_softmax_params *p, int32_t difference) {
    return ec_high_multiply(ec_shift_left(difference, p->left_shift), p->multiplier);
}

static void log_softmax_row(const ec_log_softmax_params *p, const int8_t *input, int8_t *output) {
    int32_t largest = INT8_MIN;
    for (int32_t i = 0; i < p->depth; ++i) {
        largest = input[i] > largest ? input[i] : largest;
    }
    int32_t sum = 0;
    for (int32_t i = 0; i < p->depth; ++i) {
        const int32_t difference = input[i] - largest;
        if (difference >= p->smallest_difference) {
            sum += ec_rounding_shift_right(ec_exp_on_negative_values(scaled(p, difference)), EC_SUM_INTEGER_BITS);
        }
    }
    const int32_t log = logarithm(sum);
    /* differences up to here are beyond Q5.26 */
    int32_t beyond = ec_multiply_by_quantized_multiplier(log + INT32_MIN, p->reverse_multiplier, p->reverse_shift);
    beyond = beyond < p->smallest_difference - 1 ? p->smallest_difference - 1 : beyond;
    for (int32_t i = 0; i < p->depth; ++i) {
        const int32_t difference = input[i] - largest;
        int32_t value = INT8_MIN;
        if (difference > beyond) {
            value = ec_rounding_shift_right(scaled(p, difference) - log, STEP_BITS) + ZERO_POINT;
        }
        output[i] = (int8_t)ec_clamp(value, INT8_MIN, INT8_MAX);
    }
}

void ec_log_softmax(const ec_log_softmax_params *p, const int8_t *input, int8_t *output) {
    for (int32_t row = 0; row < p->rows; ++row) {
        log_softmax_row(p, input + row * p->depth, output + row * p->depth);
    }
}
