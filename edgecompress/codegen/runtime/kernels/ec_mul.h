/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_MUL_H
#define EC_MUL_H

#include "ec_broadcast.h"
#include "ec_fixed_point.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    ec_broadcast loops;
    int32_t offset_a; /* minus the zero point */
    int32_t offset_b;
    int32_t multiplier; /* of the product */
    int32_t shift;
    int32_t multiplier_a; /* of an input that is positive, and not multiplied: PRELU's */
    int32_t shift_a;
    int32_t output_offset;
    int32_t activation_min;
    int32_t activation_max;
} ec_mul_params;

void ec_mul(const ec_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output);
/* a, or a * b where a is negative */
void ec_prelu(const ec_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output);

/* Of 16 bits. */
void ec_mul_s16(const ec_mul_params *p, const int16_t *a, const int16_t *b, int16_t *output);

#ifdef __cplusplus
}
#endif

#endif
