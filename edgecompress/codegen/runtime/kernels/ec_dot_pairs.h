/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* Inner products modulo 2^32, by pairs where the processor multiplies two pairs of numbers at a time; this computer runs the twin. */
#ifndef EC_DOT_PAIRS_H
#define EC_DOT_PAIRS_H

#include "ec_dsp.h"

#if EC_HAS_DSP || !defined(__arm__)
#define EC_BY_PAIRS 1
#else
#define EC_BY_PAIRS 0
#endif

static inline uint32_t ec_dot_bytes(const int8_t *a, const int8_t *b, int32_t count, uint32_t sum) {
#if EC_BY_PAIRS
    for (; count >= 4; count -= 4, a += 4, b += 4) {
        const uint32_t left = ec_load_word(a), right = ec_load_word(b);
        sum = ec_multiply_pairs(ec_even_bytes(left), ec_even_bytes(right), sum);
        sum = ec_multiply_pairs(ec_odd_bytes(left), ec_odd_bytes(right), sum);
    }
#endif
    for (; count > 0; --count) {
        sum += (uint32_t)(*a++ * *b++);
    }
    return sum;
}

/* Of bytes with an offset each, that are of 16 bits then. */
static inline uint32_t ec_dot_offset_bytes(const int8_t *a, int32_t offset_a, const int8_t *b, int32_t offset_b, int32_t count, uint32_t sum) {
#if EC_BY_PAIRS
    const uint32_t plus_a = ec_pair(offset_a, offset_a), plus_b = ec_pair(offset_b, offset_b);
    for (; count >= 4; count -= 4, a += 4, b += 4) {
        const uint32_t left = ec_load_word(a), right = ec_load_word(b);
        sum = ec_multiply_pairs(ec_even_bytes_plus(plus_a, left), ec_even_bytes_plus(plus_b, right), sum);
        sum = ec_multiply_pairs(ec_odd_bytes_plus(plus_a, left), ec_odd_bytes_plus(plus_b, right), sum);
    }
#endif
    for (; count > 0; --count) {
        sum += (uint32_t)((*a++ + offset_a) * (*b++ + offset_b));
    }
    return sum;
}

static inline uint32_t ec_dot_halfwords(const int16_t *a, const int16_t *b, int32_t count, uint32_t sum) {
#if EC_BY_PAIRS
    for (; count >= 2; count -= 2, a += 2, b += 2) {
        sum = ec_multiply_pairs(ec_load_word(a), ec_load_word(b), sum);
    }
#endif
    for (; count > 0; --count) {
        sum += (uint32_t)(*a++ * *b++);
    }
    return sum;
}

#endif
