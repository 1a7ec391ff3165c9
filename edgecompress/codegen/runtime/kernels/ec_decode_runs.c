/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#include "ec_decode_runs.h"

#include "ec_bits.h"
#include "ec_tans.h"

enum { NEVER = INT32_MAX };

static void count_zeros(ec_decode_runs *decoder) {
    const ec_decode_runs_params *p = decoder->params;
    const uint32_t end = (uint32_t)p->end;
    uint32_t count;
    do {
        if (decoder->left == 0 || decoder->untouched >= p->weights) {
            decoder->untouched = NEVER;
            return;
        }
        const uint32_t entry = decoder->table[decoder->zeros];
        uint32_t bits = ec_bits_highest_first(p->stream + 2, decoder->at < end ? decoder->at : end);
        count = entry & 0xFFu;
        decoder->at += ec_tans_bits(entry);
        decoder->zeros = ec_tans_next(entry, &bits);
        decoder->untouched += (int32_t)count;
    } while (count == (uint32_t)p->most);
    --decoder->left;
}

void ec_decode_runs_begin(ec_decode_runs *decoder, const ec_decode_runs_params *params, uint32_t *tables) {
    const uint32_t size = 1u << params->log;
    ec_tans_table(tables, params->zeros, params->zeros_bytes, params->log);
    ec_tans_table(tables + size, params->values, params->values_bytes, params->log);
    decoder->params = params;
    decoder->table = tables;
    decoder->at = 0;
    decoder->zeros = params->stream[0] & (size - 1);
    decoder->value = params->stream[1] & (size - 1);
    decoder->left = params->nonzeros;
    decoder->untouched = 0;
    count_zeros(decoder);
}

static uint8_t next_value(ec_decode_runs *decoder) {
    const ec_decode_runs_params *p = decoder->params;
    const uint32_t entry = decoder->table[(1u << p->log) + decoder->value], shift = (uint32_t)p->shift;
    const uint32_t end = (uint32_t)p->end;
    uint32_t bits = ec_bits_highest_first(p->stream + 2, decoder->at < end ? decoder->at : end);
    decoder->value = ec_tans_next(entry, &bits);
    decoder->at += ec_tans_bits(entry) + shift;
    return (uint8_t)((entry << shift) | (bits >> 1) >> (31u - shift));
}

void ec_decode_runs_row(ec_decode_runs *decoder, uint32_t *row) {
    const int32_t taps = decoder->params->taps;
    for (int32_t i = 0; i < (taps + 3) >> 2; ++i) {
        row[i] = 0;
    }
    while (decoder->untouched < taps) {
        ((uint8_t *)row)[decoder->untouched++] = next_value(decoder);
        count_zeros(decoder);
    }
    if (decoder->untouched != NEVER) {
        decoder->untouched -= taps;
    }
}
