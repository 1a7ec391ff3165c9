/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_SOFTMAX_H
#define EC_SOFTMAX_H

#include "ec_fixed_point.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t rows;
    int32_t depth; /* entries of a row */
    int32_t multiplier;
    int32_t left_shift;
    int32_t smallest_difference; /* entries further below the row's maximum count as zero */
} ec_softmax_params;

void ec_softmax(const ec_softmax_params *p, const int8_t *input, int8_t *output);
void ec_softmax_s16(const ec_softmax_params *p, const int8_t *input, int16_t *output);

#ifdef __cplusplus
}
#endif

#endif
