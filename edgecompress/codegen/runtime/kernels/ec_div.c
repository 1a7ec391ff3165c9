/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* DIV, int8, with broadcasting: times the reciprocal, which Newton-Raphson steps find. */
#include "ec_div.h"

#include "ec_exponential.h"

/* How far x can be shifted left before its sign changes. */
static int32_t sign_bits(int32_t x) {
    const int32_t magnitude = x < 0 ? ~x : x;
    return magnitude ? ec_leading_zeros(magnitude) - 1 : 31;
}

static int32_t divide_one(const void *parameters, int32_t a, int32_t b) {
    const ec_div_params *p = parameters;
    int32_t dividend = a + p->offset_a;
    int32_t divisor = b + p->offset_b;
    if (divisor < 0) {
        dividend = -dividend;
        divisor = -divisor;
    }
    int32_t scaled = 0;
    if (dividend != 0) {
        const int32_t zeros = ec_leading_zeros(divisor);
        const int32_t inverse = ec_reciprocal_of_one_plus((int32_t)(((uint32_t)divisor << zeros) - 0x80000000u));
        const int32_t headroom = sign_bits(dividend);
        const int32_t quotient = ec_high_multiply(ec_shift_left(dividend, headroom), inverse);
        const int32_t exponent = 31 - zeros + headroom - p->shift;
        scaled = ec_rounding_shift_right(ec_high_multiply(quotient, p->multiplier), exponent);
    }
    return ec_clamp(scaled + p->output_offset, p->activation_min, p->activation_max);
}

void ec_div(const ec_div_params *p, const int8_t *a, const int8_t *b, int8_t *output) {
    ec_for_each_pair(&p->loops, a, b, output, divide_one, p);
}
