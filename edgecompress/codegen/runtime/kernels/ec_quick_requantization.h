/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* The requantization of ec_requantization.h in a third of the instructions, for layers where it was proven offline that
 * accumulators stay within 2^30 - 1 and that every factor is below one half (shift in -31..-1). */
#ifndef EC_QUICK_REQUANTIZATION_H
#define EC_QUICK_REQUANTIZATION_H

#include "ec_dsp.h"
#include "ec_requantization.h"

/* What one output channel needs. */
typedef struct {
    int32_t multiplier;
    int32_t shift; /* to the right, 1..31 */
    int32_t half;
} ec_quick_channel;

static inline ec_quick_channel ec_quick_channel_of(const ec_requantization *r, int32_t channel) {
    const int32_t entry = r->per_channel ? channel : 0;
    const int32_t shift = -r->shifts[entry];
    const ec_quick_channel c = {r->multipliers[entry], shift, (int32_t)(UINT32_C(1) << (shift - 1))};
    return c;
}

/* What all channels share; a copy, since a store of an output could change the original as far as a compiler knows. */
typedef struct {
    int32_t offset;
    int32_t low;
    int32_t high;
} ec_quick_range;

static inline ec_quick_range ec_quick_range_of(const ec_requantization *r) {
    const ec_quick_range range = {r->output_offset, r->activation_min, r->activation_max};
    return range;
}

static inline int8_t ec_quick_requantize(ec_quick_range r, ec_quick_channel c, uint32_t accumulator) {
    const int32_t scaled = ec_multiply_top((int32_t)(accumulator << 1), c.multiplier);
    /* halves away from zero: a negative number gets one less before the shift */
    const int32_t rounded = (scaled + c.half + (scaled >> 31)) >> c.shift;
    return (int8_t)ec_clamp(rounded + r.offset, r.low, r.high);
}

#endif
