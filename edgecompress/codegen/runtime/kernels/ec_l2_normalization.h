/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_L2_NORMALIZATION_H
#define EC_L2_NORMALIZATION_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t rows;
    int32_t depth;
    int32_t input_offset; /* minus the zero point */
} ec_l2_normalization_params;

/* Every row divided by its length, in 128ths. */
void ec_l2_normalization(const ec_l2_normalization_params *p, const int8_t *input, int8_t *output);

#ifdef __cplusplus
}
#endif

#endif
