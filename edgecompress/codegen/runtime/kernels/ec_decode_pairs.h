/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* Weights whose high bits, those of two neighbours in each symbol, are in Huffman's code, and whose low bits, as good as random, are
 * not; or weights of at most 16 values. */
#ifndef EC_DECODE_PAIRS_H
#define EC_DECODE_PAIRS_H

#include "ec_low_bits.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A symbol is four bits of the first weight, plus 16 times those of the second: places in the codebook, or 8 more than the high bits.
 * Pairs are taken along a row, an even number of them; those behind the last weight are any.
 *
 * The code is canonical, its longest codes have `log` bits, and what nobody has is symbol 0. `lengths` are those of symbols 0, 1, ...
 * in runs: 16 * (number of symbols - 1) + length, 0 where they have no code. */
typedef struct {
    const uint8_t *stream;  /* bits, lowest first; 4 bytes of padding behind them */
    const uint8_t *lengths;
    const int8_t *codebook; /* 16 weights; 0: symbols are high bits */
    ec_low_bits_params finish;
    int32_t end;            /* number of bits */
    uint16_t taps;          /* weights of a row */
    uint16_t length_bytes;
    uint8_t log;            /* 1 to EC_PAIRS_MOST_LOG */
    uint8_t is_joint;       /* weights a, b are written as the halfword 256 * b + a */
} ec_decode_pairs_params;

enum { EC_PAIRS_MOST_LOG = 9 };

typedef struct {
    const ec_decode_pairs_params *params;
    const uint32_t *table; /* by the next `log` bits: the length of the code, and in the high half the high bits of both weights */
    uint32_t at;           /* bit of the stream */
    ec_low_bits finish;
} ec_decode_pairs;

/* tables: 4 * 2^log bytes. They must last as long as the decoder. */
void ec_decode_pairs_begin(ec_decode_pairs *decoder, const ec_decode_pairs_params *params, uint32_t *tables);

/* The next row; there must be one. row: its weights as bytes, their number rounded up to fours. */
void ec_decode_pairs_row(ec_decode_pairs *decoder, uint32_t *row);

#ifdef __cplusplus
}
#endif

#endif
