/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* The instructions of Arm's DSP extension that the kernels are built from, each with its meaning in plain C for every
 * other processor. Pairs are two signed 16-bit numbers in one word, the first in the low half. */
#ifndef EC_DSP_H
#define EC_DSP_H

#include <stdint.h>

#if defined(__ARM_FEATURE_DSP) && defined(__thumb__)
#define EC_HAS_DSP 1
#else
#define EC_HAS_DSP 0
#endif

static inline uint32_t ec_load_word(const void *address) {
    uint32_t word;
    __builtin_memcpy(&word, address, sizeof word);
    return word;
}

static inline uint32_t ec_pair(int32_t low, int32_t high) {
    return ((uint32_t)low & 0xFFFFu) | ((uint32_t)high << 16);
}

static inline int32_t ec_low(uint32_t pair) {
    return (int16_t)pair;
}

static inline int32_t ec_high(uint32_t pair) {
    return (int16_t)(pair >> 16);
}

/* Bytes 0 and 2 of a word, widened. */
static inline uint32_t ec_even_bytes(uint32_t word) {
#if EC_HAS_DSP
    uint32_t result;
    __asm__("sxtb16 %0, %1" : "=r"(result) : "r"(word));
    return result;
#else
    return ec_pair((int8_t)word, (int8_t)(word >> 16));
#endif
}

/* Bytes 1 and 3 of a word, widened. */
static inline uint32_t ec_odd_bytes(uint32_t word) {
#if EC_HAS_DSP
    uint32_t result;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(result) : "r"(word));
    return result;
#else
    return ec_pair((int8_t)(word >> 8), (int8_t)(word >> 24));
#endif
}

/* Bytes 0 and 2 of a word, widened, each with a number of the pair added. */
static inline uint32_t ec_even_bytes_plus(uint32_t pair, uint32_t word) {
#if EC_HAS_DSP
    uint32_t result;
    __asm__("sxtab16 %0, %1, %2" : "=r"(result) : "r"(pair), "r"(word));
    return result;
#else
    return ec_pair(ec_low(pair) + (int8_t)word, ec_high(pair) + (int8_t)(word >> 16));
#endif
}

/* The same of bytes 1 and 3. */
static inline uint32_t ec_odd_bytes_plus(uint32_t pair, uint32_t word) {
#if EC_HAS_DSP
    uint32_t result;
    __asm__("sxtab16 %0, %1, %2, ror #8" : "=r"(result) : "r"(pair), "r"(word));
    return result;
#else
    return ec_pair(ec_low(pair) + (int8_t)(word >> 8), ec_high(pair) + (int8_t)(word >> 24));
#endif
}

static inline uint32_t ec_add_pairs(uint32_t a, uint32_t b) {
#if EC_HAS_DSP
    uint32_t result;
    __asm__("sadd16 %0, %1, %2" : "=r"(result) : "r"(a), "r"(b) : "cc");
    return result;
#else
    return ec_pair(ec_low(a) + ec_low(b), ec_high(a) + ec_high(b));
#endif
}

static inline uint32_t ec_subtract_pairs(uint32_t a, uint32_t b) {
#if EC_HAS_DSP
    uint32_t result;
    __asm__("usub16 %0, %1, %2" : "=r"(result) : "r"(a), "r"(b) : "cc");
    return result;
#else
    return ec_pair(ec_low(a) - ec_low(b), ec_high(a) - ec_high(b));
#endif
}

/* sum + a.low * b.low + a.high * b.high, modulo 2^32 */
static inline uint32_t ec_multiply_pairs(uint32_t a, uint32_t b, uint32_t sum) {
#if EC_HAS_DSP
    uint32_t result;
    __asm__("smlad %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum) : "cc");
    return result;
#else
    return sum + (uint32_t)(ec_low(a) * ec_low(b)) + (uint32_t)(ec_high(a) * ec_high(b));
#endif
}

/* a * b / 2^32 to nearest, halves upwards */
static inline int32_t ec_multiply_top(int32_t a, int32_t b) {
#if EC_HAS_DSP
    int32_t result;
    __asm__("smmulr %0, %1, %2" : "=r"(result) : "r"(a), "r"(b));
    return result;
#else
    return (int32_t)(((int64_t)a * b + INT64_C(0x80000000)) >> 32);
#endif
}

/* The same, plus `sum`. */
static inline int32_t ec_multiply_top_add(int32_t a, int32_t b, int32_t sum) {
#if EC_HAS_DSP
    int32_t result;
    __asm__("smmlar %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
    return result;
#else
    return ec_multiply_top(a, b) + sum;
#endif
}

#endif
