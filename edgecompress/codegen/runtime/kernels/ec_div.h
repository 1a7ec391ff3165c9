/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_DIV_H
#define EC_DIV_H

#include "ec_broadcast.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    ec_broadcast loops;
    int32_t offset_a; /* minus the zero point */
    int32_t offset_b;
    int32_t multiplier; /* of the quotient */
    int32_t shift;
    int32_t output_offset;
    int32_t activation_min;
    int32_t activation_max;
} ec_div_params;

/* a / b; no b may be the zero point, and no quotient may ask for a shift beyond 31 bits. */
void ec_div(const ec_div_params *p, const int8_t *a, const int8_t *b, int8_t *output);

#ifdef __cplusplus
}
#endif

#endif
