/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* From a sum to the 8-bit output by a ramp, a straight line between two clamps, in two 32-bit multiplications: for layers
 * where it was proven offline that it gives the output of ec_requantization.h for every sum that the weights allow. */
#ifndef EC_RAMP_REQUANTIZATION_H
#define EC_RAMP_REQUANTIZATION_H

#include <stdint.h>

enum { EC_RAMP_SPLIT = 12 };

typedef struct {
    const int32_t *starts; /* one per output channel */
    const int32_t *ramps;  /* limit, slope, height; where they are bent then the bend and the height below it */
    int32_t step;          /* words from a channel's ramp to the next one's; 0: one ramp serves all channels */
    int32_t is_bent;
    int32_t shift;
} ec_ramps;

/* (x * slope / 2^SPLIT + height) >> shift, its low byte, with x = sum + start clamped to 0..limit */
static inline int8_t ec_ramp_requantize(const int32_t *ramp, int32_t is_bent, int32_t shift, uint32_t sum) {
    const uint32_t limit = (uint32_t)ramp[0], slope = (uint32_t)ramp[1];
    const uint32_t x = sum <= limit ? sum : (int32_t)sum < 0 ? 0 : limit;
    const uint32_t height = (uint32_t)(is_bent && x < (uint32_t)ramp[3] ? ramp[4] : ramp[2]);
    const uint32_t fine = (x * (slope & ((1u << EC_RAMP_SPLIT) - 1u))) >> EC_RAMP_SPLIT;
    return (int8_t)(uint8_t)((x * (slope >> EC_RAMP_SPLIT) + fine + height) >> shift);
}

/* The output of a channel from its sum of products. */
static inline int8_t ec_ramp_output(const ec_ramps *r, int32_t channel, uint32_t sum) {
    return ec_ramp_requantize(r->ramps + channel * r->step, r->is_bent, r->shift, sum + (uint32_t)r->starts[channel]);
}

#endif
