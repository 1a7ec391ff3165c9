/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* Weights whose high bits are entropy-coded, each by itself, and whose low bits, as good as random, are not. */
#ifndef EC_DECODE_TANS_H
#define EC_DECODE_TANS_H

#include "ec_low_bits.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The high bits of a weight plus 128 are a symbol of ec_tans.h; even ones of a row are of one chain of states, odd ones of a
 * second. */
typedef struct {
    const uint8_t *stream;    /* the two states to begin with, then bits, highest first; 4 bytes of padding behind them */
    const uint8_t *histogram; /* of ec_tans_table */
    ec_low_bits_params finish;
    int32_t end;              /* number of bits behind the states */
    uint16_t taps;            /* weights of a row */
    uint16_t histogram_bytes;
    uint8_t log;              /* of the number of states */
} ec_decode_tans_params;

typedef struct {
    const ec_decode_tans_params *params;
    const uint32_t *table;
    uint32_t at; /* bit of the stream */
    uint32_t states[2];
    ec_low_bits finish;
} ec_decode_tans;

/* tables: 4 * 2^log bytes. They must last as long as the decoder. */
void ec_decode_tans_begin(ec_decode_tans *decoder, const ec_decode_tans_params *params, uint32_t *tables);

/* The next row; there must be one. row: its weights as bytes, their number rounded up to sixteens. */
void ec_decode_tans_row(ec_decode_tans *decoder, uint32_t *row);

#ifdef __cplusplus
}
#endif

#endif
