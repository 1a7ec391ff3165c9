/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#include "ec_decode_tans.h"

#include "ec_bits.h"
#include "ec_tans.h"

void ec_decode_tans_begin(ec_decode_tans *decoder, const ec_decode_tans_params *params, uint32_t *tables) {
    const uint32_t mask = (1u << params->log) - 1u;
    ec_tans_table(tables, params->histogram, params->histogram_bytes, params->log);
    decoder->params = params;
    decoder->table = tables;
    decoder->at = 0;
    decoder->states[0] = params->stream[0] & mask;
    decoder->states[1] = params->stream[1] & mask;
    ec_low_bits_begin(&decoder->finish, &params->finish);
}

/* Those of both chains are loaded one behind the other, which saves time. */
#define TWO_ENTRIES                                                                                                    \
    do {                                                                                                               \
        entry_0 = table[state_0];                                                                                      \
        entry_1 = table[state_1];                                                                                      \
    } while (0)

#define ONE_SYMBOL(chain, i)                                                                                           \
    do {                                                                                                               \
        to[i] = (uint8_t)entry_##chain;                                                                                \
        at += ec_tans_bits(entry_##chain);                                                                             \
        state_##chain = ec_tans_next(entry_##chain, &bits);                                                            \
    } while (0)

static void decode_chains(ec_decode_tans *decoder, uint8_t *to) {
    const uint32_t *table = decoder->table;
    const uint8_t *stream = decoder->params->stream + 2;
    const uint32_t end = (uint32_t)decoder->params->end;
    uint32_t at = decoder->at, state_0 = decoder->states[0], state_1 = decoder->states[1], entry_0, entry_1;
    int32_t left = decoder->params->taps;
    for (; left >= 6 && at + 6 * EC_TANS_MOST_BITS <= end; left -= 6, to += 6) {
        uint32_t bits = ec_bits_highest_first(stream, at);
        TWO_ENTRIES;
        ONE_SYMBOL(0, 0);
        ONE_SYMBOL(1, 1);
        TWO_ENTRIES;
        ONE_SYMBOL(0, 2);
        bits = ec_bits_highest_first(stream, at);
        ONE_SYMBOL(1, 3);
        TWO_ENTRIES;
        ONE_SYMBOL(0, 4);
        ONE_SYMBOL(1, 5);
    }
    for (; left > 0; left -= 2, to += 2) {
        at = at < end ? at : end;
        uint32_t bits = ec_bits_highest_first(stream, at);
        TWO_ENTRIES;
        ONE_SYMBOL(0, 0);
        if (left > 1) {
            ONE_SYMBOL(1, 1);
        }
    }
    decoder->at = at;
    decoder->states[0] = state_0;
    decoder->states[1] = state_1;
}

void ec_decode_tans_row(ec_decode_tans *decoder, uint32_t *row) {
    const int32_t taps = decoder->params->taps;
    decode_chains(decoder, (uint8_t *)row);
    ec_low_bits_add(&decoder->finish, row, (taps + 15) >> 4);
    ec_low_bits_put_right(&decoder->finish, (uint8_t *)row, taps, 0);
}
