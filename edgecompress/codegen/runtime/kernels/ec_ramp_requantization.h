/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* From a sum to the 8-bit output by a ramp, a straight line between two clamps, in two 32-bit multiplications: for layers
 * where it was proven offline that it gives the output of ec_requantization.h for every sum that the weights allow. Other
 * layers are computed as there. */
#ifndef EC_RAMP_REQUANTIZATION_H
#define EC_RAMP_REQUANTIZATION_H

#include "ec_fixed_point.h"

enum { EC_RAMP_SPLIT = 12 };
enum { EC_STRAIGHT, EC_BENT, EC_EXACT };

typedef struct {
    const int32_t *starts; /* one per output channel */
    /* of a channel, straight: limit, slope, height; bent: the same, then the bend and the height below it; exact:
     * multiplier, shift, 0 */
    const int32_t *ramps;
    int32_t step; /* words from a channel's ramp to the next one's; 0: one serves all channels */
    int32_t kind;
    int32_t shift;         /* straight and bent */
    int32_t output_offset; /* exact, as the next two */
    int32_t activation_min;
    int32_t activation_max;
} ec_ramps;

/* (x * slope / 2^SPLIT + height) >> shift, its low byte, with x = sum + start clamped to 0..limit */
static inline int8_t ec_ramp_requantize(const int32_t *ramp, int32_t kind, int32_t shift, uint32_t sum) {
    const uint32_t limit = (uint32_t)ramp[0], slope = (uint32_t)ramp[1];
    const uint32_t x = sum <= limit ? sum : (int32_t)sum < 0 ? 0 : limit;
    const uint32_t height = (uint32_t)(kind == EC_BENT && x < (uint32_t)ramp[3] ? ramp[4] : ramp[2]);
    const uint32_t fine = (x * (slope & ((1u << EC_RAMP_SPLIT) - 1u))) >> EC_RAMP_SPLIT;
    return (int8_t)(uint8_t)((x * (slope >> EC_RAMP_SPLIT) + fine + height) >> shift);
}

/* The output of a channel from its sum, to which its start was added. */
static inline int8_t ec_ramp_output(const ec_ramps *r, int32_t channel, uint32_t sum) {
    const int32_t *ramp = r->ramps + channel * r->step;
    if (r->kind != EC_EXACT) {
        return ec_ramp_requantize(ramp, r->kind, r->shift, sum);
    }
    const int32_t scaled = ec_multiply_by_quantized_multiplier((int32_t)sum, ramp[0], ramp[1]);
    const int32_t offset = (int32_t)((uint32_t)scaled + (uint32_t)r->output_offset);
    return (int8_t)ec_clamp(offset, r->activation_min, r->activation_max);
}

#endif
