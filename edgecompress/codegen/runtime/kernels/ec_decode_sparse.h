/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* Weights of which many are zero: a bit for each, and the values of the others. */
#ifndef EC_DECODE_SPARSE_H
#define EC_DECODE_SPARSE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    const uint8_t *places;  /* per row a bit for every weight, lowest first, 1 where it is not zero; rows begin at whole bytes */
    const uint8_t *values;  /* the values that are not zero, of all rows: indices of `bits` bits; 4 bytes of padding behind */
    const int8_t *codebook; /* 2^bits weights; unused where an index of 8 bits is the weight itself */
    int32_t end;            /* bits of all values; none is read behind them */
    uint16_t taps;          /* weights of a row */
    uint8_t bits;           /* 1 to 6, or 8 */
} ec_decode_sparse_params;

typedef struct {
    const ec_decode_sparse_params *params;
    const uint8_t *places;
    uint32_t at; /* bit of the next value */
} ec_decode_sparse;

/* tables: unused. */
void ec_decode_sparse_begin(ec_decode_sparse *decoder, const ec_decode_sparse_params *params, uint32_t *tables);

/* The next row; there must be one. row: its weights as bytes, their number rounded up to fours. */
void ec_decode_sparse_row(ec_decode_sparse *decoder, uint32_t *row);

#ifdef __cplusplus
}
#endif

#endif
