/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* Weights of which at most one or two in every four are not zero. */
#ifndef EC_DECODE_NM_H
#define EC_DECODE_NM_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Fours are taken along a row, the last one filled up with zeros. */
typedef struct {
    const uint8_t *places;  /* per four: 2 bits where one is not zero; 3 where two are, the number of the pair in 01 02 03 12 13
                             * 23. Rows begin at whole bytes; 4 bytes of padding behind the last. */
    const uint8_t *values;  /* as many indices of `bits` bits per four; rows and padding likewise */
    const int8_t *codebook; /* 2^bits weights; unused where an index of 8 bits is the weight itself */
    uint16_t taps;          /* weights of a row */
    uint8_t nonzeros;        /* of four: 1 or 2 */
    uint8_t bits;           /* 1 to 6, or 8 */
} ec_decode_nm_params;

typedef struct {
    const ec_decode_nm_params *params;
    const uint8_t *places, *values;
} ec_decode_nm;

/* tables: unused. */
void ec_decode_nm_begin(ec_decode_nm *decoder, const ec_decode_nm_params *params, uint32_t *tables);

/* The next row; there must be one. row: its weights as bytes, their number rounded up to fours. */
void ec_decode_nm_row(ec_decode_nm *decoder, uint32_t *row);

#ifdef __cplusplus
}
#endif

#endif
