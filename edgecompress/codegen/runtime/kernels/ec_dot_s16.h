/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* Inner products of int8 weights and int16 values, in 64 bits: by pairs where the processor multiplies two of them at a time; this
 * computer runs the twin. */
#ifndef EC_DOT_S16_H
#define EC_DOT_S16_H

#include "ec_dot_pairs.h"

/* sum + a.low * b.low + a.high * b.high */
static inline int64_t ec_multiply_pairs_long(uint32_t a, uint32_t b, int64_t sum) {
#if EC_HAS_DSP
    __asm__("smlald %Q0, %R0, %1, %2" : "+r"(sum) : "r"(a), "r"(b));
    return sum;
#else
    return sum + ec_low(a) * ec_low(b) + (int64_t)(ec_high(a) * ec_high(b));
#endif
}

static inline int64_t ec_dot_s16(const int8_t *weights, const int16_t *values, int32_t count, int64_t sum) {
#if EC_BY_PAIRS
    for (; count >= 4; count -= 4, weights += 4, values += 4) {
        const uint32_t word = ec_load_word(weights), even = ec_even_bytes(word), odd = ec_odd_bytes(word);
        sum = ec_multiply_pairs_long((even & 0xFFFFu) | (odd << 16), ec_load_word(values), sum);
        sum = ec_multiply_pairs_long((even >> 16) | (odd & 0xFFFF0000u), ec_load_word(values + 2), sum);
    }
#endif
    for (; count > 0; --count) {
        sum += *weights++ * *values++;
    }
    return sum;
}

#endif
