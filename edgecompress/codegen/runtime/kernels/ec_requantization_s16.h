/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* From a 64-bit accumulator to the 16-bit output of a layer, whose zero point is 0. */
#ifndef EC_REQUANTIZATION_S16_H
#define EC_REQUANTIZATION_S16_H

#include "ec_fixed_point.h"

typedef struct {
    const int16_t *multipliers; /* one, or one per output channel: their upper halves */
    const int8_t *shifts;       /* as many */
    int32_t per_channel;        /* 1: one per channel, 0: the first serves all */
    int32_t activation_min;
    int32_t activation_max;
} ec_requantization_s16;

static inline int16_t ec_requantize_s16(const ec_requantization_s16 *r, int64_t accumulator, int32_t channel) {
    const int32_t entry = r->per_channel ? channel : 0;
    const int32_t scaled = ec_multiply_by_reduced_multiplier(accumulator, r->multipliers[entry], r->shifts[entry]);
    return (int16_t)ec_clamp(scaled, r->activation_min, r->activation_max);
}

#endif
