/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* Asymmetric numeral systems by table: symbols of a byte, each in a fraction of a bit to EC_TANS_MOST_BITS bits. */
#ifndef EC_TANS_H
#define EC_TANS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    EC_TANS_MOST_BITS = 7, /* of a symbol, so that one look at the stream serves three */
    EC_TANS_MOST_LOG = 8
};

/* Writes the table of 2^log entries, one per state: the symbol, the number of bits to read, 2 to that number, and what they are
 * added to for the next state, one byte each, lowest first.
 *
 * histogram: the first symbol, then the shares of it and of those behind it, of 2^log states; a share of 0 is followed by the
 *            number of symbols that are left out. A share below 2^(log - EC_TANS_MOST_BITS) counts as 0, one that is too large is
 *            cut, and states that are left over have symbol 0 without bits: any histogram is safe.
 * log:       EC_TANS_MOST_LOG at most */
void ec_tans_table(uint32_t *table, const uint8_t *histogram, int32_t bytes, int32_t log);

/* The state behind that of an entry; its bits leave the top of `bits`. */
static inline uint32_t ec_tans_next(uint32_t entry, uint32_t *bits) {
#if defined(__ARM_ARCH) && __ARM_ARCH < 7
    const uint32_t count = (entry >> 8) & 0xFFu, above = (*bits >> 1) >> (31u - count);
    *bits <<= count;
    return (entry >> 24) + above;
#else
    const uint64_t shifted = (uint64_t)*bits * ((entry >> 16) & 0xFFu);
    *bits = (uint32_t)shifted;
    return (entry >> 24) + (uint32_t)(shifted >> 32);
#endif
}

static inline uint32_t ec_tans_bits(uint32_t entry) {
    return (entry >> 8) & 0xFFu;
}

#ifdef __cplusplus
}
#endif

#endif
