/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* The last step of decoding: high bits of weights become weights. Their low bits, how many may differ from row to row, are added;
 * a few weights that the code has no symbol for are put right. */
#ifndef EC_LOW_BITS_H
#define EC_LOW_BITS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { EC_LOW_BITS_MOST = 5 }; /* of a weight */

/* Low bits come in words, for eight groups of four weights, one weight in each byte: where their number is odd, a word with the
 * highest of them, the first group's lowest in each byte; the others behind it in pairs or fours of bits likewise. A row has an
 * even number of pairs of groups, the last ones perhaps without a meaning. */
typedef struct {
    const uint8_t *shifts;  /* 2 bits per row, lowest first, added to `shift`; 0: the same for all rows */
    const int32_t *low_bits;
    const uint8_t *patches; /* number of weights that come before, in bytes of 255 and a last smaller one; then a weight */
    int32_t low_words;      /* of low_bits; none is read behind them */
    uint16_t patch_bytes;
    uint8_t shift;          /* number of low bits */
} ec_low_bits_params;

typedef struct {
    const ec_low_bits_params *params;
    const int32_t *low_bits;
    const uint8_t *patch;
    int32_t row;
    int32_t untouched; /* weights before the next one that is put right */
} ec_low_bits;

void ec_low_bits_begin(ec_low_bits *finish, const ec_low_bits_params *params);

/* The low bits of the next row, and how many each of its weights has.
 *
 * units: sixteens of weights that the row has, the last one perhaps not whole. Where damage has left too few low bits, there are none. */
const int32_t *ec_low_bits_next(ec_low_bits *finish, int32_t units, uint32_t *shift);

/* The next row's low bits are added to its symbols, one in each byte: half the range more than the high bits. */
void ec_low_bits_add(ec_low_bits *finish, uint32_t *row, int32_t units);

/* Of the same row, at last, what the code has no symbol for. is_joint: weights a, b are the halfword 256 * b + a. */
void ec_low_bits_put_right(ec_low_bits *finish, uint8_t *row, int32_t taps, int32_t is_joint);

#ifdef __cplusplus
}
#endif

#endif
