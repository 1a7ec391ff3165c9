/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_AVERAGE_POOL_2D_SIMD_H
#define EC_AVERAGE_POOL_2D_SIMD_H

#include "ec_simd.h"
#include "ec_window.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    ec_window window;
    int32_t channels; /* at least EC_LANES */
    int32_t activation_min;
    int32_t activation_max;
} ec_average_pool_2d_simd_params;

void ec_average_pool_2d_simd(const ec_average_pool_2d_simd_params *p, const int8_t *input, int8_t *output);

#ifdef __cplusplus
}
#endif

#endif
