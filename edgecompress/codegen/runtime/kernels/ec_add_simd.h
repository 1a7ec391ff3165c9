/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_ADD_SIMD_H
#define EC_ADD_SIMD_H

#include "ec_simd.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t elements; /* of both operands */
    ec_simd_sum sum;
} ec_add_simd_params;

void ec_add_simd(const ec_add_simd_params *p, const int8_t *a, const int8_t *b, int8_t *output);

#ifdef __cplusplus
}
#endif

#endif
