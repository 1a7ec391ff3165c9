/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_MEAN_H
#define EC_MEAN_H

#include "ec_fixed_point.h"
#include "ec_reduction.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    ec_reduction loops;
    int32_t sum_offset; /* minus the input's zero point, once for each element */
    int32_t multiplier; /* of MEAN: holds the division by the number of elements */
    int32_t shift;
    int32_t output_offset;
} ec_mean_params;

void ec_mean(const ec_mean_params *p, const int8_t *input, int8_t *output);
void ec_mean_s16(const ec_mean_params *p, const int16_t *input, int16_t *output);

#ifdef __cplusplus
}
#endif

#endif
