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
    int32_t zero;
    int32_t offset;
    int32_t bend;  /* added to the offset of negative sums */
    int32_t shift; /* to the right, 0..31 */
    int32_t output_min;
    int32_t output_max;
} ec_add_mve_params;

/* x = a * factor_a + b * factor_b + zero, then (x + offset) / 2^shift, rounded down, clamped; 32 bits hold all of it */
void ec_add_mve(const ec_add_mve_params *p, const int8_t *a, const int8_t *b, int8_t *output);

#ifdef __cplusplus
}
#endif

#endif
