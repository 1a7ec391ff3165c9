/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* Weights of which most are zero: how many zeros come before each of the others, and its value, both entropy-coded. */
#ifndef EC_DECODE_RUNS_H
#define EC_DECODE_RUNS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Rows follow one another without a border. Zeros and values are symbols of ec_tans.h, each of their own table and chain of
 * states. A symbol of `most` zeros is followed by another one of zeros. The low bits of a value follow its symbol. */
typedef struct {
    const uint8_t *stream; /* the states of zeros and values to begin with, then bits, highest first; 4 bytes of padding behind */
    const uint8_t *zeros;  /* histogram of ec_tans_table */
    const uint8_t *values; /* likewise */
    int32_t weights;       /* of all rows */
    int32_t nonzeros;      /* of them */
    int32_t end;           /* number of bits behind the states */
    uint16_t taps;         /* weights of a row */
    uint16_t zeros_bytes, values_bytes;
    uint8_t log;           /* of the number of states of either table */
    uint8_t most;          /* at least 1 */
    uint8_t shift;         /* number of low bits, 0 to 4 */
} ec_decode_runs_params;

typedef struct {
    const ec_decode_runs_params *params;
    const uint32_t *table;
    uint32_t at; /* bit of the stream */
    uint32_t zeros, value; /* the states */
    int32_t left;      /* values that come */
    int32_t untouched; /* zeros before the next of them */
} ec_decode_runs;

/* tables: 8 * 2^log bytes. They must last as long as the decoder. */
void ec_decode_runs_begin(ec_decode_runs *decoder, const ec_decode_runs_params *params, uint32_t *tables);

/* The next row; there must be one. row: its weights as bytes, their number rounded up to fours. */
void ec_decode_runs_row(ec_decode_runs *decoder, uint32_t *row);

#ifdef __cplusplus
}
#endif

#endif
