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

/* Finishes a row of `taps` weights in place, whose symbols hold the high bits of 1, 2 or 4 weights, each plus half its range.
 *
 * words: of the row, a multiple of 4; those behind the last weight may get any value. The symbols are the last words / 1, 2 or 4
 *        of them, in bytes; those of one word hold the high bits of 1, 2 or 4 words of weights, the first word's lowest. */
void ec_low_bits_add_1(ec_low_bits *finish, uint32_t *row, int32_t words, int32_t taps);
void ec_low_bits_add_2(ec_low_bits *finish, uint32_t *row, int32_t words, int32_t taps);
void ec_low_bits_add_4(ec_low_bits *finish, uint32_t *row, int32_t words, int32_t taps);

#ifdef __cplusplus
}
#endif

#endif
