/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* Weights whose high bits are in Huffman's code, those of one, two or four weights in each symbol, and whose low bits, as good as
 * random, are not. */
#ifndef EC_DECODE_HUFFMAN_H
#define EC_DECODE_HUFFMAN_H

#include "ec_low_bits.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Symbols are as ec_low_bits.h wants them. */
typedef struct {
    const uint8_t *stream;  /* bits, highest first; 4 bytes of padding behind them */
    const uint8_t *lengths; /* of ec_huffman_table */
    ec_low_bits_params finish;
    int32_t end;            /* number of bits */
    uint16_t taps;          /* weights of a row */
    uint16_t length_bytes;
    uint8_t log;            /* length of the longest code; the table has 2^log entries */
} ec_decode_huffman_params;

typedef struct {
    const ec_decode_huffman_params *params;
    const uint16_t *table;
    uint32_t at; /* bit of the stream */
    ec_low_bits finish;
} ec_decode_huffman;

/* tables: 2 * 2^log bytes. They must last as long as the decoder. */
void ec_decode_huffman_begin(ec_decode_huffman *decoder, const ec_decode_huffman_params *params, uint32_t *tables);

/* The next row of a tensor with one, two or four weights in a symbol; there must be one. row: its weights as bytes, their number
 * rounded up to sixteens. */
void ec_decode_huffman_row(ec_decode_huffman *decoder, uint32_t *row);
void ec_decode_huffman_row_2(ec_decode_huffman *decoder, uint32_t *row);
void ec_decode_huffman_row_4(ec_decode_huffman *decoder, uint32_t *row);

#ifdef __cplusplus
}
#endif

#endif
