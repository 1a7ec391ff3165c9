/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* Weights as indices of 1 to 6 bits into a codebook, of the tensor or of every row. */
#ifndef EC_DECODE_LUT_H
#define EC_DECODE_LUT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    const uint8_t *stream;  /* rows begin at whole bytes; 4 bytes of padding behind the last */
    const int8_t *codebook; /* 2^bits weights */
    uint16_t taps;          /* weights of a row */
    uint8_t bits;           /* of an index */
    uint8_t together;       /* weights that one look-up finds, in a table in RAM: 2, or 4 of 1 bit; 1: in the codebook itself */
    uint8_t next_codebook;  /* bytes from one row's codebook to the next; 0: all share one, else `together` is 1 */
    uint8_t is_joint;       /* weights a, b are written as the halfword 256 * b + a; only where `together` is not 1 */
} ec_decode_lut_params;

typedef struct {
    const ec_decode_lut_params *params;
    const uint32_t *table;
    const uint8_t *stream;
    const int8_t *codebook;
} ec_decode_lut;

/* tables: 2^(bits * together) * together bytes; unused where `together` is 1. They must last as long as the decoder. */
void ec_decode_lut_begin(ec_decode_lut *decoder, const ec_decode_lut_params *params, uint32_t *tables);

/* The next row; there must be one. row: its weights as bytes, their number rounded up to fours; what is behind them is of no
 * meaning. */
void ec_decode_lut_row(ec_decode_lut *decoder, uint32_t *row);

#ifdef __cplusplus
}
#endif

#endif
