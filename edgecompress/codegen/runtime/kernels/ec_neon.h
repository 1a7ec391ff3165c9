/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* The primitives of ec_simd_loops.h that all processors with NEON share. */
#if defined(EC_KERNELS) && !defined(EC_NEON_H)
#define EC_NEON_H

#include <arm_neon.h>

#include "ec_simd.h"

typedef struct {
    int32x4_t low;
    int32x4_t high;
} ec_lanes;

typedef struct {
    ec_lanes multiplier;
    ec_lanes shift;
} ec_scaling;

EC_INLINE ec_lanes ec_both(int32x4_t low, int32x4_t high) {
    const ec_lanes v = {low, high};
    return v;
}

EC_INLINE ec_lanes ec_load(const int32_t *p) {
    return ec_both(vld1q_s32(p), vld1q_s32(p + 4));
}

EC_INLINE void ec_store(int32_t *p, ec_lanes v) {
    vst1q_s32(p, v.low);
    vst1q_s32(p + 4, v.high);
}

EC_INLINE ec_lanes ec_same(int32_t x) {
    return ec_both(vdupq_n_s32(x), vdupq_n_s32(x));
}

EC_INLINE ec_lanes ec_widen(const int8_t *p) {
    const int16x8_t wide = vmovl_s8(vld1_s8(p));
    return ec_both(vmovl_s16(vget_low_s16(wide)), vmovl_s16(vget_high_s16(wide)));
}

EC_INLINE ec_lanes ec_plus(ec_lanes a, ec_lanes b) {
    return ec_both(vaddq_s32(a.low, b.low), vaddq_s32(a.high, b.high));
}

EC_INLINE ec_lanes ec_shifted(const int8_t *p, int32_t offset, int32_t left) {
    const int16x8_t wide = vaddq_s16(vmovl_s8(vld1_s8(p)), vdupq_n_s16((int16_t)offset));
    const int16x8_t shifted = vshlq_s16(wide, vdupq_n_s16((int16_t)(left - 16))); /* of 9 bits: left is 22 at most */
    return ec_both(vshll_n_s16(vget_low_s16(shifted), 16), vshll_n_s16(vget_high_s16(shifted), 16));
}

EC_INLINE ec_scaling ec_scaling_of(ec_lanes multiplier, ec_lanes shift) {
    const ec_scaling s = {multiplier, shift};
    return s;
}

/* The rounding shift takes halves upwards: a negative number gets one less before, so that they go away from zero. */
EC_INLINE int32x4_t ec_scale_four(int32x4_t v, int32x4_t multiplier, int32x4_t shift) {
    const int32x4_t scaled = vqrdmulhq_s32(v, multiplier);
    return vrshlq_s32(vsraq_n_s32(scaled, scaled, 31), shift);
}

EC_INLINE ec_lanes ec_scale(ec_lanes v, ec_scaling s) {
    return ec_both(ec_scale_four(v.low, s.multiplier.low, s.shift.low),
                   ec_scale_four(v.high, s.multiplier.high, s.shift.high));
}

/* What saturates in between would be cut off in the end. */
EC_INLINE int8x8_t ec_narrow_one(ec_lanes v, ec_range range) {
    const int16x8_t wide = vcombine_s16(vqmovn_s32(v.low), vqmovn_s32(v.high));
    return vqmovn_s16(vqaddq_s16(wide, vdupq_n_s16((int16_t)range.offset)));
}

EC_INLINE void ec_narrow(const ec_lanes *v, int32_t count, ec_range range, int8_t *output) {
    const int8x16_t low = vdupq_n_s8((int8_t)range.low), high = vdupq_n_s8((int8_t)range.high);
    if (count == 1) {
        const int8x8_t cut = vmin_s8(vmax_s8(ec_narrow_one(v[0], range), vget_low_s8(low)), vget_low_s8(high));
        vst1_s8(output, cut);
        return;
    }
    EC_UNROLL
    for (int32_t i = 0; i < count; i += 2) {
        const int8x16_t both = vcombine_s8(ec_narrow_one(v[i], range), ec_narrow_one(v[i + 1], range));
        vst1q_s8(output + i * EC_LANES, vminq_s8(vmaxq_s8(both, low), high));
    }
}

EC_INLINE ec_lanes ec_start(const ec_simd_channels *c, int32_t channel) {
    return ec_load(ec_table(c, channel, EC_BIAS));
}

/* Two products fit 16 bits, since no weight is -128. */
EC_INLINE int16x8_t ec_two_products(int8x8_t a, int8x8_t wa, int8x8_t b, int8x8_t wb) {
    return vmlal_s8(vmull_s8(a, wa), b, wb);
}

EC_INLINE ec_lanes ec_plus_wide(ec_lanes sum, int16x8_t products) {
    return ec_both(vaddw_s16(sum.low, vget_low_s16(products)), vaddw_s16(sum.high, vget_high_s16(products)));
}

EC_INLINE void ec_two_taps(const int8_t *a, const int8_t *b, const int8_t *w, int32_t width, ec_lanes *sums) {
    if (width == EC_LANES) {
        sums[0] = ec_plus_wide(sums[0], ec_two_products(vld1_s8(a), vld1_s8(w), vld1_s8(b), vld1_s8(w + width)));
        return;
    }
    const int8x16_t xa = vld1q_s8(a), xb = vld1q_s8(b), wa = vld1q_s8(w), wb = vld1q_s8(w + width);
    sums[0] = ec_plus_wide(
        sums[0], ec_two_products(vget_low_s8(xa), vget_low_s8(wa), vget_low_s8(xb), vget_low_s8(wb)));
    sums[1] = ec_plus_wide(
        sums[1], ec_two_products(vget_high_s8(xa), vget_high_s8(wa), vget_high_s8(xb), vget_high_s8(wb)));
}

#endif
