/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_ADD_H
#define EC_ADD_H

#include "ec_broadcast.h"
#include "ec_fixed_point.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    ec_broadcast loops;
    int32_t offset_a; /* minus the zero point */
    int32_t offset_b;
    int32_t multiplier_a;
    int32_t shift_a;
    int32_t multiplier_b;
    int32_t shift_b;
    int32_t multiplier_output;
    int32_t shift_output;
    int32_t output_offset;
    int32_t activation_min;
    int32_t activation_max;
} ec_add_params;

void ec_add(const ec_add_params *p, const int8_t *a, const int8_t *b, int8_t *output);
/* a - b */
void ec_sub(const ec_add_params *p, const int8_t *a, const int8_t *b, int8_t *output);
/* (a - b) * (a - b) */
void ec_squared_difference(const ec_add_params *p, const int8_t *a, const int8_t *b, int8_t *output);

/* Of 16 bits. */
void ec_add_s16(const ec_add_params *p, const int16_t *a, const int16_t *b, int16_t *output);
void ec_sub_s16(const ec_add_params *p, const int16_t *a, const int16_t *b, int16_t *output);
void ec_squared_difference_s16(const ec_add_params *p, const int16_t *a, const int16_t *b, int16_t *output);

#ifdef __cplusplus
}
#endif

#endif
