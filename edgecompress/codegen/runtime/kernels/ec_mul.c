/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* MUL and PRELU, int8, with broadcasting: products without rounding, rescaled. */
#include "ec_mul.h"

static int32_t clamped(const ec_mul_params *p, int32_t scaled) {
    return ec_clamp(scaled + p->output_offset, p->activation_min, p->activation_max);
}

static int32_t product(const ec_mul_params *p, int32_t a, int32_t b) {
    return ec_multiply_by_quantized_multiplier((a + p->offset_a) * (b + p->offset_b), p->multiplier, p->shift);
}

static int32_t multiply_one(const void *p, int32_t a, int32_t b) {
    return clamped(p, product(p, a, b));
}

static int32_t bend_one(const void *parameters, int32_t a, int32_t b) {
    const ec_mul_params *p = parameters;
    if (a + p->offset_a < 0) {
        return clamped(p, product(p, a, b));
    }
    return clamped(p, ec_multiply_by_quantized_multiplier(a + p->offset_a, p->multiplier_a, p->shift_a));
}

void ec_mul(const ec_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output) {
    ec_for_each_pair(&p->loops, a, b, output, multiply_one, p);
}

void ec_prelu(const ec_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output) {
    ec_for_each_pair(&p->loops, a, b, output, bend_one, p);
}

void ec_mul_s16(const ec_mul_params *p, const int16_t *a, const int16_t *b, int16_t *output) {
    ec_for_each_pair_s16(&p->loops, a, b, output, multiply_one, p);
}
