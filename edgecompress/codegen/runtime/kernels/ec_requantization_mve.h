/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* The requantization of ec_quick_requantization.h, under the same limits, four output channels at a time. VQRDMULH is the
 * first rounding for every sum; VRSHL rounds halves upwards, where the second takes them away from zero: a negative number
 * gets one less before, unless it ends up at the lower bound of the activation anyway. */
#ifndef EC_REQUANTIZATION_MVE_H
#define EC_REQUANTIZATION_MVE_H

#include "ec_mve.h"
#include "ec_quick_requantization.h"

/* What all outputs of a layer share, for each call of its kernel once. */
typedef struct {
    const int32_t *bias;
    const int32_t *multipliers;
    const int8_t *shifts;
    int32_t step; /* from four channels to the next in multipliers and shifts: 4, or 0 where one serves all */
    int32_t offset, low, high;
    int32_t same_multipliers[4];
    int8_t same_shifts[4];
} ec_requantization_mve;

static inline void ec_prepare_requantization(const ec_requantization *r, const int32_t *bias, ec_requantization_mve *v) {
    v->bias = bias;
    v->multipliers = r->per_channel ? r->multipliers : v->same_multipliers;
    v->shifts = r->per_channel ? r->shifts : v->same_shifts;
    v->step = r->per_channel ? 4 : 0;
    v->offset = r->output_offset;
    v->low = r->activation_min;
    v->high = r->activation_max;
    for (int32_t i = 0; i < 4; ++i) {
        v->same_multipliers[i] = r->multipliers[0];
        v->same_shifts[i] = r->shifts[0];
    }
}

#if EC_HAS_MVE

/* What four output channels need, and how many of them there are. */
typedef struct {
    int32x4_t bias, multipliers, shifts;
    mve_pred16_t left;
} ec_lanes;

/* The next four channels in the tables. */
static inline __attribute__((always_inline)) ec_lanes ec_next_lanes(ec_requantization_mve *r, int32_t left) {
    const mve_pred16_t lanes = vctp32q((uint32_t)left);
    const ec_lanes result = {vldrwq_z_s32(r->bias, lanes), vldrwq_z_s32(r->multipliers, lanes),
                             vldrbq_z_s32(r->shifts, lanes), lanes};
    r->bias += 4;
    r->multipliers += r->step;
    r->shifts += r->step;
    return result;
}

/* The tables from a channel on; a copy, since a store of an output could change the original as far as a compiler knows. */
static inline __attribute__((always_inline)) ec_requantization_mve ec_from_channel(const ec_requantization_mve *r,
                                                                                   int32_t first) {
    ec_requantization_mve from;
    from.bias = r->bias + first;
    from.multipliers = r->multipliers + first / 4 * r->step;
    from.shifts = r->shifts + first / 4 * r->step;
    from.step = r->step;
    from.offset = r->offset;
    return from;
}

static inline __attribute__((always_inline)) void ec_requantize_lanes(const ec_lanes *lanes, int32x4_t x, int32_t offset,
                                                                      int32x4_t low, int32x4_t high, const int is_signed,
                                                                      int8_t *output) {
    x = vqrdmulhq_s32(vaddq_s32(x, lanes->bias), lanes->multipliers);
    x = vrshlq_s32(is_signed ? vaddq_s32(x, vshrq_n_s32(x, 31)) : x, lanes->shifts);
    x = vminq_s32(vmaxq_s32(vaddq_n_s32(x, offset), low), high);
    vstrbq_p_s32(output, x, lanes->left);
}

static inline __attribute__((always_inline)) void ec_requantize_row_loop(const ec_requantization_mve *r, int32_t first,
                                                                         int32_t channels, const int32_t *sums,
                                                                         int8_t *output, const int is_signed) {
    const int32x4_t low = vdupq_n_s32(r->low), high = vdupq_n_s32(r->high);
    ec_requantization_mve from = ec_from_channel(r, first);
    for (int32_t i = 0; i < channels; i += 4) {
        const ec_lanes lanes = ec_next_lanes(&from, channels - i);
        ec_requantize_lanes(&lanes, vldrwq_z_s32(sums + i, lanes.left), from.offset, low, high, is_signed, output + i);
    }
}

static inline __attribute__((always_inline)) void ec_requantize_3_loop(const ec_requantization_mve *r, int32_t first,
                                                                       int32_t channels, const int32_t *sums,
                                                                       int8_t *const *outputs, const int is_signed) {
    const int32x4_t low = vdupq_n_s32(r->low), high = vdupq_n_s32(r->high);
    ec_requantization_mve from = ec_from_channel(r, first);
    uint32x4_t at = vaddq_n_u32(vmulq_n_u32(vidupq_n_u32(0, 4), 3), (uint32_t)sums); /* of the first pixel's sums */
    int8_t *const o0 = outputs[0], *const o1 = outputs[1], *const o2 = outputs[2];
    for (int32_t i = 0; i < channels; i += 4) {
        const ec_lanes lanes = ec_next_lanes(&from, channels - i);
        const int32x4_t x0 = vldrwq_gather_base_z_s32(at, 0, lanes.left);
        ec_requantize_lanes(&lanes, x0, from.offset, low, high, is_signed, o0 + i);
        const int32x4_t x1 = vldrwq_gather_base_z_s32(at, 4, lanes.left);
        ec_requantize_lanes(&lanes, x1, from.offset, low, high, is_signed, o1 + i);
        const int32x4_t x2 = vldrwq_gather_base_z_s32(at, 8, lanes.left);
        ec_requantize_lanes(&lanes, x2, from.offset, low, high, is_signed, o2 + i);
        at = vaddq_n_u32(at, 4 * 3 * 4);
    }
}

#else

static inline void ec_requantize_channel(const ec_requantization_mve *r, int32_t channel, int32_t sum, int8_t *output) {
    const ec_quick_range range = {r->offset, r->low, r->high};
    const int32_t entry = r->step ? channel : 0, shift = -r->shifts[entry];
    const ec_quick_channel c = {r->multipliers[entry], shift, (int32_t)(UINT32_C(1) << (shift - 1))};
    *output = ec_quick_requantize(range, c, (uint32_t)sum + (uint32_t)r->bias[channel]);
}

static inline void ec_requantize_row_loop(const ec_requantization_mve *r, int32_t first, int32_t channels,
                                          const int32_t *sums, int8_t *output, int is_signed) {
    (void)is_signed;
    for (int32_t i = 0; i < channels; ++i) {
        ec_requantize_channel(r, first + i, sums[i], output + i);
    }
}

static inline void ec_requantize_3_loop(const ec_requantization_mve *r, int32_t first, int32_t channels,
                                        const int32_t *sums, int8_t *const *outputs, int is_signed) {
    (void)is_signed;
    for (int32_t i = 0; i < 3 * channels; ++i) {
        ec_requantize_channel(r, first + i / 3, sums[i], outputs[i % 3] + i / 3);
    }
}

#endif

/* Sums [channels], without the bias, to outputs; the channels are those of the layer from the first on, a multiple of 4. */
static inline void ec_requantize_row(const ec_requantization_mve *r, int32_t first, int32_t channels, const int32_t *sums,
                                     int8_t *output) {
    if (r->low >= r->offset) {
        ec_requantize_row_loop(r, first, channels, sums, output, 0);
    } else {
        ec_requantize_row_loop(r, first, channels, sums, output, 1);
    }
}

/* The same for three pixels: sums [channels, rounded up to 4][3]. */
static inline void ec_requantize_3(const ec_requantization_mve *r, int32_t first, int32_t channels, const int32_t *sums,
                                   int8_t *const *outputs) {
    if (r->low >= r->offset) {
        ec_requantize_3_loop(r, first, channels, sums, outputs, 0);
    } else {
        ec_requantize_3_loop(r, first, channels, sums, outputs, 1);
    }
}

#endif
