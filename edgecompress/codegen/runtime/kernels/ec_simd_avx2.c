/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* AVX2: bytes are widened to 16 bits; two products of those are added to each of eight sums at once. */
#include "ec_simd_avx2.h"

#if EC_HAS_AVX2

#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif

#define EC_KERNELS ec_simd_avx2
#include "ec_avx2.h"

enum { EC_GROUPS = 1, EC_GROUPS_OF_ONE = 2 };
enum { MOST_GROUPED = 4 };

EC_INLINE ec_lanes ec_start(const ec_simd_channels *c, int32_t channel) {
    return ec_load(ec_table(c, channel, EC_BIAS));
}

/* Eight sums in halves: channels 0 to 3, 4 to 7. */
typedef struct {
    __m256i of[2];
} pairs_of_sums;

EC_INLINE void ec_product(const ec_tile *tile, int32_t pixels, int32_t groups, const int8_t *weights,
                          ec_lanes *sums) {
    const int32_t step = tile->depth * EC_LANES;
    pairs_of_sums pairs[MOST_GROUPED];
    EC_UNROLL
    for (int32_t i = 0; i < groups * pixels; ++i) {
        pairs[i].of[0] = pairs[i].of[1] = _mm256_setzero_si256();
    }
    for (int32_t run = 0; run < tile->runs; ++run) {
        const int8_t *x[EC_TILE_PIXELS];
        EC_UNROLL
        for (int32_t i = 0; i < pixels; ++i) {
            x[i] = tile->first[i] + tile->offsets[run];
        }
        for (int32_t k = 0; k < tile->quads * EC_QUAD; k += EC_QUAD, weights += EC_LANES * EC_QUAD) {
            EC_UNROLL
            for (int32_t i = 0; i < groups * pixels; ++i) {
                const __m256i wide = _mm256_cvtepi8_epi16(_mm_set1_epi32(ec_load_4_bytes(x[i / groups] + k)));
                const int8_t *w = weights + i % groups * step;
                const __m256i low = _mm256_cvtepi8_epi16(ec_load_16_bytes(w));
                const __m256i high = _mm256_cvtepi8_epi16(ec_load_16_bytes(w + 16));
                pairs[i].of[0] = _mm256_add_epi32(pairs[i].of[0], _mm256_madd_epi16(wide, low));
                pairs[i].of[1] = _mm256_add_epi32(pairs[i].of[1], _mm256_madd_epi16(wide, high));
            }
        }
    }
    EC_UNROLL
    for (int32_t i = 0; i < groups * pixels; ++i) {
        const __m256i crossed = _mm256_hadd_epi32(pairs[i].of[0], pairs[i].of[1]);
        sums[i] = _mm256_add_epi32(sums[i], _mm256_permute4x64_epi64(crossed, 0xD8));
    }
}

#include "ec_simd_loops.h"

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif
