/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* ADD, int8, with broadcasting: both operands on a common scale with 20 fractional bits. */
#include "ec_add.h"

enum { FRACTIONAL_BITS = 20 };

static int8_t add_one(const ec_add_params *p, int32_t a, int32_t b) {
    const int32_t scaled_a = ec_multiply_by_quantized_multiplier(ec_shift_left(a + p->offset_a, FRACTIONAL_BITS), p->multiplier_a, p->shift_a);
    const int32_t scaled_b = ec_multiply_by_quantized_multiplier(ec_shift_left(b + p->offset_b, FRACTIONAL_BITS), p->multiplier_b, p->shift_b);
    const int32_t sum = ec_multiply_by_quantized_multiplier(scaled_a + scaled_b, p->multiplier_output, p->shift_output);
    return (int8_t)ec_clamp(sum + p->output_offset, p->activation_min, p->activation_max);
}

void ec_add(const ec_add_params *p, const int8_t *a, const int8_t *b, int8_t *output) {
    for (int32_t i = 0; i < p->sizes[0]; ++i) {
        for (int32_t j = 0; j < p->sizes[1]; ++j) {
            for (int32_t k = 0; k < p->sizes[2]; ++k) {
                const int8_t *row_a = a + i * p->strides_a[0] + j * p->strides_a[1] + k * p->strides_a[2];
                const int8_t *row_b = b + i * p->strides_b[0] + j * p->strides_b[1] + k * p->strides_b[2];
                for (int32_t l = 0; l < p->sizes[3]; ++l) {
                    *output++ = add_one(p, row_a[l * p->strides_a[3]], row_b[l * p->strides_b[3]]);
                }
            }
        }
    }
}
