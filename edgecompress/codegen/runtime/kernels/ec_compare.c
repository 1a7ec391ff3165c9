/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* EQUAL, NOT_EQUAL, GREATER, GREATER_EQUAL, LESS and LESS_EQUAL, with broadcasting: 1 where it is so, else 0. */
#include "ec_compare.h"

#include "ec_fixed_point.h"

enum { LEFT_SHIFT = 8 };

static uint8_t outcome(const ec_compare_params *p, int32_t a, int32_t b) {
    return (uint8_t)((p->outcomes >> (1 + (a > b) - (a < b))) & 1);
}

static int32_t compare_one(const void *parameters, int32_t a, int32_t b) {
    const ec_compare_params *p = parameters;
    const int32_t wide_a = ec_shift_left(a + p->offset_a, LEFT_SHIFT);
    const int32_t wide_b = ec_shift_left(b + p->offset_b, LEFT_SHIFT);
    const int32_t scaled_a = ec_multiply_by_quantized_multiplier(wide_a, p->multiplier_a, p->shift_a);
    const int32_t scaled_b = ec_multiply_by_quantized_multiplier(wide_b, p->multiplier_b, p->shift_b);
    return outcome(p, scaled_a, scaled_b);
}

void ec_compare(const ec_compare_params *p, const int8_t *a, const int8_t *b, uint8_t *output) {
    ec_for_each_pair(&p->loops, a, b, (int8_t *)output, compare_one, p);
}

void ec_compare_int32(const ec_compare_params *p, const int32_t *a, const int32_t *b, uint8_t *output) {
    const ec_broadcast *loops = &p->loops;
    for (int32_t i = 0; i < loops->sizes[0]; ++i) {
        for (int32_t j = 0; j < loops->sizes[1]; ++j) {
            for (int32_t k = 0; k < loops->sizes[2]; ++k) {
                const int32_t *row_a = a + i * loops->strides_a[0] + j * loops->strides_a[1] + k * loops->strides_a[2];
                const int32_t *row_b = b + i * loops->strides_b[0] + j * loops->strides_b[1] + k * loops->strides_b[2];
                for (int32_t l = 0; l < loops->sizes[3]; ++l) {
                    *output++ = outcome(p, row_a[l * loops->strides_a[3]], row_b[l * loops->strides_b[3]]);
                }
            }
        }
    }
}
