/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* The primitives of ec_simd_loops.h that all processors with AVX2 share. */
#if defined(EC_KERNELS) && !defined(EC_AVX2_H)
#define EC_AVX2_H

#include <immintrin.h>

#include "ec_simd.h"

typedef __m256i ec_lanes;

typedef struct {
    __m256i multiplier;
    __m256i odd_multiplier;
    __m256i shift; /* to the right */
    __m256i half;
} ec_scaling;

EC_INLINE ec_lanes ec_load(const int32_t *p) {
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

EC_INLINE void ec_store(int32_t *p, ec_lanes v) {
    _mm256_storeu_si256((__m256i *)(void *)p, v);
}

EC_INLINE __m128i ec_load_16_bytes(const int8_t *p) {
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

EC_INLINE __m128i ec_load_8_bytes(const int8_t *p) {
    return _mm_loadl_epi64((const __m128i *)(const void *)p);
}

EC_INLINE int32_t ec_load_4_bytes(const int8_t *p) {
    int32_t word;
    __builtin_memcpy(&word, p, sizeof word);
    return word;
}

EC_INLINE ec_lanes ec_same(int32_t x) {
    return _mm256_set1_epi32(x);
}

EC_INLINE ec_lanes ec_widen(const int8_t *p) {
    return _mm256_cvtepi8_epi32(ec_load_8_bytes(p));
}

EC_INLINE ec_lanes ec_plus(ec_lanes a, ec_lanes b) {
    return _mm256_add_epi32(a, b);
}

EC_INLINE ec_lanes ec_shifted(const int8_t *p, int32_t offset, int32_t left) {
    return _mm256_sll_epi32(_mm256_add_epi32(ec_widen(p), _mm256_set1_epi32(offset)), _mm_cvtsi32_si128(left));
}

EC_INLINE ec_scaling ec_scaling_of(ec_lanes multiplier, ec_lanes shift) {
    const __m256i right = _mm256_sub_epi32(_mm256_setzero_si256(), shift);
    const __m256i half = _mm256_srli_epi32(_mm256_sllv_epi32(_mm256_set1_epi32(1), right), 1);
    const ec_scaling s = {multiplier, _mm256_srli_epi64(multiplier, 32), right, half};
    return s;
}

/* Products of 64 bits, of the even and of the odd numbers; then halves away from zero: a negative one gets one less. */
EC_INLINE ec_lanes ec_scale(ec_lanes v, ec_scaling s) {
    const __m256i nudge = _mm256_set1_epi64x(INT64_C(1) << 30);
    const __m256i even = _mm256_add_epi64(_mm256_mul_epi32(v, s.multiplier), nudge);
    const __m256i odd = _mm256_add_epi64(_mm256_mul_epi32(_mm256_srli_epi64(v, 32), s.odd_multiplier), nudge);
    const __m256i scaled = _mm256_blend_epi32(_mm256_srli_epi64(even, 31), _mm256_slli_epi64(odd, 1), 0xAA);
    const __m256i nudged = _mm256_add_epi32(_mm256_add_epi32(scaled, _mm256_srai_epi32(scaled, 31)), s.half);
    return _mm256_srav_epi32(nudged, s.shift);
}

/* What saturates in between would be cut off in the end. The instructions work on both halves of a register apart. */
EC_INLINE __m128i ec_narrow_two(__m256i a, __m256i b, ec_range range) {
    const __m256i wide = _mm256_adds_epi16(_mm256_packs_epi32(a, b), _mm256_set1_epi16((int16_t)range.offset));
    const __m128i halves = _mm_packs_epi16(_mm256_castsi256_si128(wide), _mm256_extracti128_si256(wide, 1));
    const __m128i above = _mm_max_epi8(halves, _mm_set1_epi8((int8_t)range.low));
    return _mm_shuffle_epi32(_mm_min_epi8(above, _mm_set1_epi8((int8_t)range.high)), _MM_SHUFFLE(3, 1, 2, 0));
}

EC_INLINE void ec_narrow(const ec_lanes *v, int32_t count, ec_range range, int8_t *output) {
    if (count == 1) {
        _mm_storel_epi64((__m128i *)(void *)output, ec_narrow_two(v[0], v[0], range));
        return;
    }
    EC_UNROLL
    for (int32_t i = 0; i < count; i += 2) {
        _mm_storeu_si128((__m128i *)(void *)(output + i * EC_LANES), ec_narrow_two(v[i], v[i + 1], range));
    }
}

/* Pairs of one byte of each, widened, of eight channels. */
EC_INLINE __m256i ec_interleaved(__m128i a, __m128i b, int32_t high) {
    return _mm256_cvtepi8_epi16(high ? _mm_unpackhi_epi8(a, b) : _mm_unpacklo_epi8(a, b));
}

EC_INLINE void ec_two_taps(const int8_t *a, const int8_t *b, const int8_t *w, int32_t width, ec_lanes *sums) {
    const int32_t is_wide = width > EC_LANES;
    const __m128i xa = is_wide ? ec_load_16_bytes(a) : ec_load_8_bytes(a);
    const __m128i xb = is_wide ? ec_load_16_bytes(b) : ec_load_8_bytes(b);
    const __m128i wa = is_wide ? ec_load_16_bytes(w) : ec_load_8_bytes(w);
    const __m128i wb = is_wide ? ec_load_16_bytes(w + width) : ec_load_8_bytes(w + width);
    for (int32_t half = 0; half <= is_wide; ++half) {
        const __m256i products = _mm256_madd_epi16(ec_interleaved(xa, xb, half), ec_interleaved(wa, wb, half));
        sums[half] = _mm256_add_epi32(sums[half], products);
    }
}

#endif
