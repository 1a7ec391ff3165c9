/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* Weights of which many are zero and the others of at most 16 values: entries of both in Huffman's code. */
#ifndef EC_DECODE_GAPS_H
#define EC_DECODE_GAPS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { EC_GAPS_LOG = 6 }; /* bits of the longest code */

/* A gap is a number of zeros, 0 to 15. The stream is a gap, then for every entry the place of its weight in the table and the gap
 * behind it. Rows follow one another without a border; the last gap ends the last row.
 *
 * Codes are in the order of gaps and of places, shorter ones first: how many there are of each length is all that is to be known. */
typedef struct {
    const uint8_t *stream; /* bits, highest first; 4 bytes of padding behind them */
    const uint8_t *codes;  /* numbers of codes of 1 to EC_GAPS_LOG bits, of places, then of gaps */
    const int8_t *values;  /* 16 weights */
    int32_t end;           /* number of bits */
    uint16_t taps;         /* weights of a row */
} ec_decode_gaps_params;

typedef struct {
    const uint8_t *stream;
    const uint32_t *table; /* of places, then of gaps, by the next EC_GAPS_LOG bits */
    uint32_t end, at;      /* bits of the stream */
    uint32_t gap;          /* the table's entry of that before the next weight */
    int32_t left;          /* weights of the row that come behind the gap; if none, minus the gap's part in the next row */
    uint8_t *to;           /* of a list: the next entry */
    int32_t sum;           /* of its weights */
    const ec_decode_gaps_params *params;
} ec_decode_gaps;

/* tables: 8 * 2^EC_GAPS_LOG bytes. They must last as long as the decoder. */
void ec_decode_gaps_begin(ec_decode_gaps *decoder, const ec_decode_gaps_params *params, uint32_t *tables);

/* The next row; there must be one. row: its weights as bytes, their number rounded up to fours. */
void ec_decode_gaps_row(ec_decode_gaps *decoder, uint32_t *row);

/* The next rows, which must be there, as lists one behind the other: the shared form of ec_gemm_sparse.h.
 *
 * bytes: that there is room for, three for each of the rows at least; one more may be written. Where damage makes the lists longer,
 *        they are cut off. */
void ec_decode_gaps_lists(ec_decode_gaps *decoder, uint8_t *lists, int32_t rows, int32_t bytes);

#ifdef __cplusplus
}
#endif

#endif
