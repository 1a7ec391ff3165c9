/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_POOL_2D_H
#define EC_POOL_2D_H

#include "ec_fixed_point.h"
#include "ec_window.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    ec_window window;
    int32_t channels;
    int32_t activation_min;
    int32_t activation_max;
} ec_pool_2d_params;

void ec_average_pool_2d(const ec_pool_2d_params *p, const int8_t *input, int8_t *output);
/* Halves up, not away from zero: what uint8 gives, 128 lower. */
void ec_average_pool_2d_up(const ec_pool_2d_params *p, const int8_t *input, int8_t *output);
void ec_max_pool_2d(const ec_pool_2d_params *p, const int8_t *input, int8_t *output);

#ifdef __cplusplus
}
#endif

#endif
