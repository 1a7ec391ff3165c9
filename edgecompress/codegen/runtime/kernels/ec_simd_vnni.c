/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* AVX-512 VNNI, with registers of 256 bits: four products are added to each of eight sums at once. It multiplies unsigned
 * by signed bytes: inputs get 128 more, and what that adds is taken off the sums before. */
#include "ec_simd_vnni.h"

#if EC_HAS_VNNI

#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,avx512f,avx512vl,avx512vnni"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,avx512f,avx512vl,avx512vnni")
#endif

#define EC_KERNELS ec_simd_vnni
#include "ec_avx2.h"

enum { EC_GROUPS = 2, EC_GROUPS_OF_ONE = 4 };

EC_INLINE ec_lanes ec_start(const ec_simd_channels *c, int32_t channel) {
    return _mm256_sub_epi32(ec_load(ec_table(c, channel, EC_BIAS)), _mm256_slli_epi32(ec_load(ec_table(c, channel, EC_WEIGHT_SUMS)), 7));
}

EC_INLINE void ec_product(const ec_tile *tile, int32_t pixels, int32_t groups, const int8_t *weights,
                          ec_lanes *sums) {
    const int32_t step = tile->depth * EC_LANES;
    const __m256i more = _mm256_set1_epi8(INT8_MIN);
    for (int32_t run = 0; run < tile->runs; ++run) {
        const int8_t *x[EC_TILE_PIXELS];
        EC_UNROLL
        for (int32_t i = 0; i < pixels; ++i) {
            x[i] = tile->first[i] + tile->offsets[run];
        }
        for (int32_t k = 0; k < tile->quads * EC_QUAD; k += EC_QUAD, weights += EC_LANES * EC_QUAD) {
            EC_UNROLL
            for (int32_t i = 0; i < groups * pixels; ++i) {
                const __m256i shifted = _mm256_xor_si256(_mm256_set1_epi32(ec_load_4_bytes(x[i / groups] + k)), more);
                const int8_t *w = weights + i % groups * step;
                sums[i] = _mm256_dpbusd_epi32(sums[i], shifted, _mm256_loadu_si256((const __m256i *)(const void *)w));
            }
        }
    }
}

#include "ec_simd_loops.h"

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif
