/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* Weights of at most 16 values, two neighbours together in Huffman's code. */
#ifndef EC_DECODE_PAIRS_H
#define EC_DECODE_PAIRS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A symbol is the place in the codebook of the first weight, plus 16 times that of the second. Pairs are taken along a row; where
 * the last weight has no neighbour, any. */
typedef struct {
    const uint8_t *stream;  /* bits, highest first; 4 bytes of padding behind them */
    const uint8_t *lengths; /* of ec_huffman_table */
    const int8_t *codebook; /* 16 weights */
    int32_t end;            /* number of bits */
    uint16_t taps;          /* weights of a row */
    uint16_t length_bytes;
    uint8_t log;            /* length of the longest code; the table has 2^log entries */
} ec_decode_pairs_params;

typedef struct {
    const ec_decode_pairs_params *params;
    const uint32_t *table; /* two weights and the length of their code, lowest first */
    uint32_t at;           /* bit of the stream */
} ec_decode_pairs;

/* tables: 4 * 2^log bytes. They must last as long as the decoder. */
void ec_decode_pairs_begin(ec_decode_pairs *decoder, const ec_decode_pairs_params *params, uint32_t *tables);

/* The next row; there must be one. row: its weights as bytes, their number rounded up to fours. */
void ec_decode_pairs_row(ec_decode_pairs *decoder, uint32_t *row);

#ifdef __cplusplus
}
#endif

#endif
