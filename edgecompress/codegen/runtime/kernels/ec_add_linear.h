/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_ADD_LINEAR_H
#define EC_ADD_LINEAR_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t elements;
    int32_t factor_a;
    int32_t factor_b;
    int32_t zero;
    int32_t offset;
    int32_t bend; /* added below zero */
    int32_t shift;
    int32_t output_min; /* of all outputs that there are */
    int32_t output_max;
} ec_add_linear_params;

void ec_add_linear(const ec_add_linear_params *p, const int8_t *a, const int8_t *b, int8_t *output);

#ifdef __cplusplus
}
#endif

#endif
