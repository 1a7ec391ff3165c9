/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_ADD_MVE_H
#define EC_ADD_MVE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t sizes[4];     /* of the loops over the output, outermost first */
    int32_t strides_a[4]; /* 0 where the operand repeats; 1 in the innermost loop */
    int32_t strides_b[4];
    int32_t factor_a;
    int32_t factor_b;
    int32_t constant;
    int32_t shift; /* to the right, 0..31 */
    int32_t activation_min;
    int32_t activation_max;
} ec_add_mve_params;

/* (a * factor_a + b * factor_b + constant) / 2^shift, rounded down, clamped; the sum fits 32 bits */
void ec_add_mve(const ec_add_mve_params *p, const int8_t *a, const int8_t *b, int8_t *output);

#ifdef __cplusplus
}
#endif

#endif
