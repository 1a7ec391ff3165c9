/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* NEON as all Armv8-A processors have it: products of 8 bits, two of them added in 16 bits, pairs of those in 32 bits. */
#include "ec_simd_neon.h"

#if EC_HAS_NEON

#define EC_KERNELS ec_simd_neon
#include "ec_neon.h"

enum { EC_GROUPS = 1, EC_GROUPS_OF_ONE = 2 };
enum { QUARTERS = 4, MOST_GROUPED = 4 };

/* Eight sums in halves: each register belongs to two channels. */
typedef struct {
    int32x4_t of[QUARTERS];
} pairs_of_sums;

EC_INLINE void add_one_quad(pairs_of_sums *sums, const int8_t *x, const int8_t *w) {
    int32_t word;
    __builtin_memcpy(&word, x, sizeof word);
    const int8x8_t quad = vreinterpret_s8_s32(vdup_n_s32(word));
    EC_UNROLL
    for (int32_t i = 0; i < QUARTERS; ++i) {
        sums->of[i] = vpadalq_s16(sums->of[i], vmull_s8(quad, vld1_s8(w + 8 * i)));
    }
}

/* `w` are the weights of both: [2][QUARTERS] of eight bytes. */
EC_INLINE void add_two_quads(pairs_of_sums *sums, int32x2_t x, const int8_t *w) {
    const int8x16_t a = vreinterpretq_s8_s32(vdupq_lane_s32(x, 0)), b = vreinterpretq_s8_s32(vdupq_lane_s32(x, 1));
    EC_UNROLL
    for (int32_t i = 0; i < QUARTERS; i += 2) {
        const int8x16_t wa = vld1q_s8(w + 8 * i), wb = vld1q_s8(w + 8 * (QUARTERS + i));
        const int16x8_t low = ec_two_products(vget_low_s8(a), vget_low_s8(wa), vget_low_s8(b), vget_low_s8(wb));
        const int16x8_t high = ec_two_products(vget_high_s8(a), vget_high_s8(wa), vget_high_s8(b), vget_high_s8(wb));
        sums->of[i] = vpadalq_s16(sums->of[i], low);
        sums->of[i + 1] = vpadalq_s16(sums->of[i + 1], high);
    }
}

EC_INLINE int32x4_t add_pairs(int32x4_t a, int32x4_t b) {
    return vcombine_s32(vpadd_s32(vget_low_s32(a), vget_high_s32(a)), vpadd_s32(vget_low_s32(b), vget_high_s32(b)));
}

EC_INLINE void ec_product(const ec_tile *tile, int32_t pixels, int32_t groups, const int8_t *weights,
                          ec_lanes *sums) {
    const int32_t step = tile->depth * EC_LANES;
    const int32_t bytes = tile->quads * EC_QUAD;
    pairs_of_sums pairs[MOST_GROUPED];
    EC_UNROLL
    for (int32_t i = 0; i < groups * pixels; ++i) {
        EC_UNROLL
        for (int32_t j = 0; j < QUARTERS; ++j) {
            pairs[i].of[j] = vdupq_n_s32(0);
        }
    }
    for (int32_t run = 0; run < tile->runs; ++run) {
        const int8_t *x[EC_TILE_PIXELS];
        EC_UNROLL
        for (int32_t i = 0; i < pixels; ++i) {
            x[i] = tile->first[i] + tile->offsets[run];
        }
        int32_t k = 0;
        for (; k + 2 * EC_QUAD <= bytes; k += 2 * EC_QUAD, weights += 2 * EC_LANES * EC_QUAD) {
            EC_UNROLL
            for (int32_t i = 0; i < groups * pixels; ++i) {
                add_two_quads(&pairs[i], vreinterpret_s32_s8(vld1_s8(x[i / groups] + k)), weights + i % groups * step);
            }
        }
        for (; k < bytes; k += EC_QUAD, weights += EC_LANES * EC_QUAD) {
            EC_UNROLL
            for (int32_t i = 0; i < groups * pixels; ++i) {
                add_one_quad(&pairs[i], x[i / groups] + k, weights + i % groups * step);
            }
        }
    }
    EC_UNROLL
    for (int32_t i = 0; i < groups * pixels; ++i) {
        const pairs_of_sums *p = &pairs[i];
        sums[i] = ec_plus(sums[i], ec_both(add_pairs(p->of[0], p->of[1]), add_pairs(p->of[2], p->of[3])));
    }
}

#include "ec_simd_loops.h"

#endif
