/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* ADD, SUB and SQUARED_DIFFERENCE, int8 and int16, with broadcasting: both operands on a common scale with some fractional bits. */
#include "ec_add.h"

enum { FRACTIONAL_BITS = 20 };
enum { FRACTIONAL_BITS_S16 = 15 };
enum { FRACTIONAL_BITS_OF_SQUARES = 7 };

static int32_t scaled_a(const ec_add_params *p, int32_t a, int32_t bits) {
    return ec_multiply_by_quantized_multiplier(ec_shift_left(a + p->offset_a, bits), p->multiplier_a, p->shift_a);
}

static int32_t scaled_b(const ec_add_params *p, int32_t b, int32_t bits) {
    return ec_multiply_by_quantized_multiplier(ec_shift_left(b + p->offset_b, bits), p->multiplier_b, p->shift_b);
}

static int32_t rescaled(const ec_add_params *p, int32_t x) {
    const int32_t y = ec_multiply_by_quantized_multiplier(x, p->multiplier_output, p->shift_output);
    return ec_clamp(y + p->output_offset, p->activation_min, p->activation_max);
}

static int32_t add_one(const void *p, int32_t a, int32_t b) {
    return rescaled(p, scaled_a(p, a, FRACTIONAL_BITS) + scaled_b(p, b, FRACTIONAL_BITS));
}

static int32_t subtract_one(const void *p, int32_t a, int32_t b) {
    return rescaled(p, scaled_a(p, a, FRACTIONAL_BITS) - scaled_b(p, b, FRACTIONAL_BITS));
}

static int32_t square_one(const void *p, int32_t a, int32_t b) {
    const int32_t x = scaled_a(p, a, FRACTIONAL_BITS_OF_SQUARES) - scaled_b(p, b, FRACTIONAL_BITS_OF_SQUARES);
    return rescaled(p, x * x);
}

void ec_add(const ec_add_params *p, const int8_t *a, const int8_t *b, int8_t *output) {
    ec_for_each_pair(&p->loops, a, b, output, add_one, p);
}

void ec_sub(const ec_add_params *p, const int8_t *a, const int8_t *b, int8_t *output) {
    ec_for_each_pair(&p->loops, a, b, output, subtract_one, p);
}

void ec_squared_difference(const ec_add_params *p, const int8_t *a, const int8_t *b, int8_t *output) {
    ec_for_each_pair(&p->loops, a, b, output, square_one, p);
}

static int32_t add_wide(const void *p, int32_t a, int32_t b) {
    return rescaled(p, scaled_a(p, a, FRACTIONAL_BITS_S16) + scaled_b(p, b, FRACTIONAL_BITS_S16));
}

static int32_t subtract_wide(const void *p, int32_t a, int32_t b) {
    return rescaled(p, scaled_a(p, a, FRACTIONAL_BITS_S16) - scaled_b(p, b, FRACTIONAL_BITS_S16));
}

static int32_t square_wide(const void *p, int32_t a, int32_t b) {
    const int32_t x = scaled_a(p, a, 0) - scaled_b(p, b, 0);
    return rescaled(p, x * x);
}

void ec_add_s16(const ec_add_params *p, const int16_t *a, const int16_t *b, int16_t *output) {
    ec_for_each_pair_s16(&p->loops, a, b, output, add_wide, p);
}

void ec_sub_s16(const ec_add_params *p, const int16_t *a, const int16_t *b, int16_t *output) {
    ec_for_each_pair_s16(&p->loops, a, b, output, subtract_wide, p);
}

void ec_squared_difference_s16(const ec_add_params *p, const int16_t *a, const int16_t *b, int16_t *output) {
    ec_for_each_pair_s16(&p->loops, a, b, output, square_wide, p);
}
