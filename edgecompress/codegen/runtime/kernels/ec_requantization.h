/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* From a 32-bit accumulator to the 8-bit output of a layer. */
#ifndef EC_REQUANTIZATION_H
#define EC_REQUANTIZATION_H

#include "ec_fixed_point.h"

typedef struct {
    const int32_t *multipliers; /* one, or one per output channel */
    const int8_t *shifts;       /* as many */
    int32_t per_channel;        /* 1: one per channel, 0: the first serves all */
    int32_t output_offset;
    int32_t activation_min;
    int32_t activation_max;
} ec_requantization;

static inline int8_t ec_requantize(const ec_requantization *r, uint32_t accumulator, int32_t channel) {
    const int32_t entry = r->per_channel ? channel : 0;
    const int32_t scaled = ec_multiply_by_quantized_multiplier((int32_t)accumulator, r->multipliers[entry], r->shifts[entry]);
    /* wraps like the reference where the offset leaves 32 bits */
    const int32_t offset = (int32_t)((uint32_t)scaled + (uint32_t)r->output_offset);
    return (int8_t)ec_clamp(offset, r->activation_min, r->activation_max);
}

#endif
