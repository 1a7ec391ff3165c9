/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* SDOT (Armv8.2-A with DotProd): four products of 8 bits are added to each of four sums at once. */
#include "ec_simd_dotprod.h"

#if EC_HAS_DOTPROD

#include <arm_neon.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("dotprod"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("arch=armv8.2-a+dotprod")
#endif

#define EC_KERNELS ec_simd_dotprod
#include "ec_neon.h"

enum { EC_GROUPS = 2, EC_GROUPS_OF_ONE = 4 };

#define ADD_QUAD(sum, x, w, quad)                                                                                      \
    (sum)->low = vdotq_laneq_s32((sum)->low, vld1q_s8((w) + (quad) * EC_LANES * EC_QUAD), x, quad);                    \
    (sum)->high = vdotq_laneq_s32((sum)->high, vld1q_s8((w) + (quad) * EC_LANES * EC_QUAD + 16), x, quad)

/* 1 to 4 quads: the number is known to the compiler. */
EC_INLINE void add_quads(ec_lanes *sum, int8x16_t x, const int8_t *w, int32_t quads) {
    ADD_QUAD(sum, x, w, 0);
    if (quads > 1) {
        ADD_QUAD(sum, x, w, 1);
    }
    if (quads > 2) {
        ADD_QUAD(sum, x, w, 2);
    }
    if (quads > 3) {
        ADD_QUAD(sum, x, w, 3);
    }
}

EC_INLINE void add_step(const int8_t *const *x, int32_t k, int32_t pixels, int32_t groups, int32_t quads,
                        const int8_t *weights, int32_t step, ec_lanes *sums) {
    EC_UNROLL
    for (int32_t i = 0; i < groups * pixels; ++i) {
        add_quads(&sums[i], vld1q_s8(x[i / groups] + k), weights + i % groups * step, quads);
    }
}

EC_INLINE void ec_product(const ec_tile *tile, int32_t pixels, int32_t groups, const int8_t *weights,
                          ec_lanes *sums) {
    const int32_t step = tile->depth * EC_LANES;
    const int32_t rest = tile->quads % 4, whole = (tile->quads - rest) * EC_QUAD;
    for (int32_t run = 0; run < tile->runs; ++run) {
        const int8_t *x[EC_TILE_PIXELS];
        EC_UNROLL
        for (int32_t i = 0; i < pixels; ++i) {
            x[i] = tile->first[i] + tile->offsets[run];
        }
        int32_t k = 0;
        for (; k < whole; k += 4 * EC_QUAD, weights += 4 * EC_LANES * EC_QUAD) {
            add_step(x, k, pixels, groups, 4, weights, step, sums);
        }
        if (rest == 1) {
            add_step(x, k, pixels, groups, 1, weights, step, sums);
        } else if (rest == 2) {
            add_step(x, k, pixels, groups, 2, weights, step, sums);
        } else if (rest == 3) {
            add_step(x, k, pixels, groups, 3, weights, step, sums);
        }
        weights += rest * EC_LANES * EC_QUAD;
    }
}

#include "ec_simd_loops.h"

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif
