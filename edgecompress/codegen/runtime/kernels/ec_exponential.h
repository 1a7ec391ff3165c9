/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* exp, reciprocal and inverse square root in fixed point, after gemmlowp. */
#ifndef EC_EXPONENTIAL_H
#define EC_EXPONENTIAL_H

#include "ec_fixed_point.h"

enum { EC_DIFFERENCE_FRACTION = 26, EC_SUM_INTEGER_BITS = 12 };

/* exp(x) in Q0.31 for x <= 0 in Q5.26: a polynomial on [-1/4, 0), then one factor for every higher bit of -x. */
static inline int32_t ec_exp_on_negative_values(int32_t x) {
    static const int32_t factors[] = {1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242};
    const int32_t quarter = 1 << (EC_DIFFERENCE_FRACTION - 2);
    const int32_t within = (x & (quarter - 1)) - quarter;
    const int32_t t = within * 32 + (1 << 28);
    const int32_t t2 = ec_high_multiply(t, t);
    const int32_t t3 = ec_high_multiply(t2, t);
    const int32_t t4 = ec_high_multiply(t2, t2);
    const int32_t cubic = ec_high_multiply(ec_rounding_shift_right(t4, 2) + t3, 715827883) + t2;
    int32_t result = 1895147668 + ec_high_multiply(1895147668, t + ec_rounding_shift_right(cubic, 1));
    const int32_t remainder = within - x;
    for (int32_t i = 0; i < 7; ++i) {
        if (remainder & (quarter << i)) {
            result = ec_high_multiply(result, factors[i]);
        }
    }
    return x == 0 ? INT32_MAX : result;
}

/* 1 / (1 + x) in Q0.31 for x in (0, 1) in Q0.31: three Newton-Raphson steps in Q2.29. */
static inline int32_t ec_reciprocal_of_one_plus(int32_t x) {
    const int32_t half_denominator = (int32_t)(((int64_t)x + INT32_MAX + 1) >> 1);
    int32_t r = 1515870810 + ec_high_multiply(half_denominator, -1010580540);
    for (int32_t i = 0; i < 3; ++i) {
        const int32_t error = (1 << 29) - ec_high_multiply(half_denominator, r);
        r += ec_high_multiply(r, error) * 4;
    }
    return r >= (1 << 30) ? INT32_MAX : r * 2;
}

/* Leading zeros of a positive number. */
static inline int32_t ec_leading_zeros(int32_t x) {
    int32_t zeros = 0;
    for (uint32_t bits = (uint32_t)x; !(bits & 0x80000000u); bits <<= 1) {
        ++zeros;
    }
    return zeros;
}

#endif
