/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* Streams of bits that are read anywhere, without a state but the number of the next bit. */
#ifndef EC_BITS_H
#define EC_BITS_H

#include <stdint.h>

enum {
    EC_BITS_AHEAD = 25, /* of the bits that are returned are valid at least; lower or higher ones may be zero */
    EC_BITS_PADDING = 4 /* bytes that must be readable behind the last bit */
};

/* The bits from number `at` on, the first one lowest: bit 0 of byte 0 is number 0. */
static inline uint32_t ec_bits_lowest_first(const uint8_t *stream, uint32_t at) {
    uint32_t word;
    __builtin_memcpy(&word, stream + (at >> 3), sizeof word);
    return word >> (at & 7u);
}

/* The bits from number `at` on, the first one highest: bit 7 of byte 0 is number 0. */
static inline uint32_t ec_bits_highest_first(const uint8_t *stream, uint32_t at) {
    uint32_t word;
    __builtin_memcpy(&word, stream + (at >> 3), sizeof word);
    return __builtin_bswap32(word) << (at & 7u);
}

#endif
