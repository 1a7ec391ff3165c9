/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_BEND_S16_H
#define EC_BEND_S16_H

#include "ec_fixed_point.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t elements;
    int32_t multiplier; /* of values that are not negative */
    int32_t shift;
    int32_t multiplier_negative; /* of others; may itself be negative */
    int32_t shift_negative;
    int32_t lowest;
    int32_t highest;
} ec_bend_s16_params;

/* Element by element, in ascending order. */
void ec_bend_s16(const ec_bend_s16_params *p, const int16_t *input, int16_t *output);

#ifdef __cplusplus
}
#endif

#endif
