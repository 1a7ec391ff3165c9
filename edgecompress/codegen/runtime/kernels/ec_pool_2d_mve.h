/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_POOL_2D_MVE_H
#define EC_POOL_2D_MVE_H

#include "ec_window.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    ec_window window; /* of at most 256 taps for the average */
    int32_t channels;
    int32_t activation_min;
    int32_t activation_max;
} ec_pool_2d_mve_params;

void ec_average_pool_2d_mve(const ec_pool_2d_mve_params *p, const int8_t *input, int8_t *output);
void ec_max_pool_2d_mve(const ec_pool_2d_mve_params *p, const int8_t *input, int8_t *output);

#ifdef __cplusplus
}
#endif

#endif
