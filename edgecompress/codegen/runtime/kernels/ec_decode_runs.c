/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#include "ec_decode_runs.h"

#include "ec_bits.h"
#include "ec_tans.h"

enum { NEVER = INT32_MAX };

/* What changes, in registers while a row is decoded. */
typedef struct {
    uint32_t at, zeros, value;
    int32_t left, untouched;
} place;

static inline uint32_t look(const ec_decode_runs_params *p, uint32_t at) {
    const uint32_t end = (uint32_t)p->end;
    return ec_bits_highest_first(p->stream + 2, at < end ? at : end);
}

/* bits: those at the place, after the value's. */
static inline void count_zeros(const ec_decode_runs_params *p, const uint32_t *table, place *here, uint32_t bits) {
    if (here->left == 0) {
        here->untouched = NEVER;
        return;
    }
    --here->left;
    for (;;) {
        const uint32_t entry = table[here->zeros], count = entry & 0xFFu;
        here->at += ec_tans_bits(entry);
        here->zeros = ec_tans_next(entry, &bits);
        here->untouched += (int32_t)count;
        if (count != p->most) {
            return;
        }
        if (here->untouched >= p->weights) { /* a damaged one that would count for ever */
            here->left = 0;
            here->untouched = NEVER;
            return;
        }
        bits = look(p, here->at);
    }
}

/* One look is enough for a value, its low bits and a number of zeros. */
static inline void decode_values(const ec_decode_runs_params *p, const uint32_t *table, place *here, uint8_t *row, int32_t taps) {
    const uint32_t *values = table + (1u << p->log);
    const uint32_t shift = p->shift;
    while (here->untouched < taps) {
        uint32_t bits = look(p, here->at);
        const uint32_t entry = values[here->value];
        here->value = ec_tans_next(entry, &bits);
        here->at += ec_tans_bits(entry) + shift;
        row[here->untouched++] = (uint8_t)((entry << shift) | (bits >> 1) >> (31u - shift));
        count_zeros(p, table, here, bits << shift);
    }
}

static inline place place_of(const ec_decode_runs *decoder) {
    return (place){decoder->at, decoder->zeros, decoder->value, decoder->left, decoder->untouched};
}

static inline void keep(ec_decode_runs *decoder, const place *here) {
    decoder->at = here->at;
    decoder->zeros = here->zeros;
    decoder->value = here->value;
    decoder->left = here->left;
    decoder->untouched = here->untouched;
}

void ec_decode_runs_begin(ec_decode_runs *decoder, const ec_decode_runs_params *params, uint32_t *tables) {
    const uint32_t size = 1u << params->log;
    ec_tans_table(tables, params->zeros, params->zeros_bytes, params->log);
    ec_tans_table(tables + size, params->values, params->values_bytes, params->log);
    decoder->params = params;
    decoder->table = tables;
    place here = {0, params->stream[0] & (size - 1), params->stream[1] & (size - 1), params->nonzeros, 0};
    count_zeros(params, tables, &here, look(params, 0));
    keep(decoder, &here);
}

void ec_decode_runs_row(ec_decode_runs *decoder, uint32_t *row) {
    const int32_t taps = decoder->params->taps;
    place here = place_of(decoder);
    for (int32_t i = 0; i < (taps + 3) >> 2; ++i) {
        row[i] = 0;
    }
    decode_values(decoder->params, decoder->table, &here, (uint8_t *)row, taps);
    if (here.untouched != NEVER) {
        here.untouched -= taps;
    }
    keep(decoder, &here);
}
