/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_REDUCE_MAX_H
#define EC_REDUCE_MAX_H

#include "ec_reduction.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    ec_reduction loops;
} ec_reduce_max_params;

void ec_reduce_max(const ec_reduce_max_params *p, const int8_t *input, int8_t *output);
void ec_reduce_min(const ec_reduce_max_params *p, const int8_t *input, int8_t *output);
void ec_reduce_max_s16(const ec_reduce_max_params *p, const int16_t *input, int16_t *output);
void ec_reduce_min_s16(const ec_reduce_max_params *p, const int16_t *input, int16_t *output);

#ifdef __cplusplus
}
#endif

#endif
