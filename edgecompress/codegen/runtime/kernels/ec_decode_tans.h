/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* Weights whose high bits are entropy-coded and whose low bits, which are as good as random, are not; how many are low may
 * differ from row to row. A few rare weights are put right afterwards. */
#ifndef EC_DECODE_TANS_H
#define EC_DECODE_TANS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The high bits of a row's weights are symbols of ec_tans.h, even ones of one chain of states, odd ones of a second.
 *
 * Low bits come in words: the lowest ones belong to four weights, one in each byte, those above to the next four. Every row
 * begins with a new word. */
typedef struct {
    const uint8_t *stream;    /* the two states to begin with, then bits, highest first; 4 bytes of padding behind them */
    const uint8_t *histogram; /* of ec_tans_table */
    const uint8_t *shifts;    /* 2 bits per row, lowest first: 0, 1, 2 or 4 low bits; 0: the same for all rows */
    const int32_t *low_bits;
    const uint8_t *patches;   /* weights that come before, in bytes of 255 and a last smaller one; then a weight */
    int32_t end;              /* number of bits behind the states */
    int32_t low_words;        /* of low_bits; none is read behind them */
    uint16_t taps;            /* weights of a row */
    uint16_t histogram_bytes;
    uint16_t patch_bytes;
    uint8_t log;              /* of the number of states */
    uint8_t shift;            /* of all rows, where `shifts` is 0, coded likewise */
} ec_decode_tans_params;

typedef struct {
    const ec_decode_tans_params *params;
    const uint32_t *table;
    const int32_t *low_bits;
    const uint8_t *patch;
    uint32_t at; /* bit of the stream */
    uint32_t states[2];
    int32_t row;
    int32_t untouched; /* weights before the next one that is put right */
} ec_decode_tans;

/* tables: 4 * 2^log bytes. They must last as long as the decoder. */
void ec_decode_tans_begin(ec_decode_tans *decoder, const ec_decode_tans_params *params, uint32_t *tables);

/* The next row; there must be one. row: its weights as bytes, their number rounded up to fours. */
void ec_decode_tans_row(ec_decode_tans *decoder, uint32_t *row);

#ifdef __cplusplus
}
#endif

#endif
