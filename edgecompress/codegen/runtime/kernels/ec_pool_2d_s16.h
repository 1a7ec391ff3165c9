/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_POOL_2D_S16_H
#define EC_POOL_2D_S16_H

#include "ec_pool_2d.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef ec_pool_2d_params ec_pool_2d_s16_params;

void ec_average_pool_2d_s16(const ec_pool_2d_params *p, const int16_t *input, int16_t *output);
void ec_max_pool_2d_s16(const ec_pool_2d_params *p, const int16_t *input, int16_t *output);

#ifdef __cplusplus
}
#endif

#endif
