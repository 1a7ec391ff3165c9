/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* Weights of at most three values, five in a byte. */
#ifndef EC_DECODE_TRITS_H
#define EC_DECODE_TRITS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    const uint8_t *stream; /* per row a byte for every five weights: 256 / 243 of their number to the base of 3, rounded up */
    int32_t codebook;      /* the three values, value i in bits 8 i and up */
    int32_t taps;          /* weights of a row */
} ec_decode_trits_params;

typedef struct {
    const ec_decode_trits_params *params;
    const uint8_t *stream;
} ec_decode_trits;

/* tables: unused. */
void ec_decode_trits_begin(ec_decode_trits *decoder, const ec_decode_trits_params *params, uint32_t *tables);

/* The next row; there must be one. row: its weights as bytes, their number rounded up to fours. */
void ec_decode_trits_row(ec_decode_trits *decoder, uint32_t *row);

#ifdef __cplusplus
}
#endif

#endif
