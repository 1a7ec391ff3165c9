/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_MEAN_H
#define EC_MEAN_H

#include "ec_fixed_point.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t kept_sizes[4]; /* loops over the output, outermost first */
    int32_t kept_strides[4];
    int32_t reduced_sizes[4]; /* loops over what is averaged */
    int32_t reduced_strides[4];
    int32_t sum_offset; /* minus the input's zero point, once for each element averaged */
    int32_t multiplier; /* holds the division by the number of elements */
    int32_t shift;
    int32_t output_offset;
} ec_mean_params;

void ec_mean(const ec_mean_params *p, const int8_t *input, int8_t *output);

#ifdef __cplusplus
}
#endif

#endif
