/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#include "ec_decode_tans.h"

#include "ec_bits.h"
#include "ec_tans.h"

enum { NEVER = INT32_MAX };

static void find_patch(ec_decode_tans *decoder) {
    const uint8_t *end = decoder->params->patches + decoder->params->patch_bytes;
    for (; decoder->patch < end; ++decoder->patch) {
        decoder->untouched += *decoder->patch;
        if (*decoder->patch < 255) {
            break;
        }
    }
    if (end - decoder->patch < 2) { /* a gap and a weight */
        decoder->untouched = NEVER;
    }
}

void ec_decode_tans_begin(ec_decode_tans *decoder, const ec_decode_tans_params *params, uint32_t *tables) {
    const uint32_t mask = (1u << params->log) - 1u;
    ec_tans_table(tables, params->histogram, params->histogram_bytes, params->log);
    decoder->params = params;
    decoder->table = tables;
    decoder->low_bits = params->low_bits;
    decoder->patch = params->patches;
    decoder->at = 0;
    decoder->states[0] = params->stream[0] & mask;
    decoder->states[1] = params->stream[1] & mask;
    decoder->row = 0;
    decoder->untouched = 0;
    find_patch(decoder);
}

#define ONE_SYMBOL(i)                                                                                                  \
    do {                                                                                                               \
        const uint32_t entry = table[state_##i];                                                                       \
        *to++ = (uint8_t)entry;                                                                                        \
        at += ec_tans_bits(entry);                                                                                     \
        state_##i = ec_tans_next(entry, &bits);                                                                        \
    } while (0)

static void decode_symbols(ec_decode_tans *decoder, uint8_t *to) {
    const uint32_t *table = decoder->table;
    const uint8_t *stream = decoder->params->stream + 2;
    const uint32_t end = (uint32_t)decoder->params->end;
    uint32_t at = decoder->at, state_0 = decoder->states[0], state_1 = decoder->states[1];
    uint32_t left = (uint32_t)decoder->params->taps;
    while (left >= 6) {
        uint32_t sixes = end > at ? (end - at) >> 6 : 0; /* that cannot come to the end, with at most 42 bits each */
        sixes = sixes < left / 6 ? sixes : left / 6;
        if (sixes == 0) {
            break;
        }
        left -= 6 * sixes;
        do {
            uint32_t bits = ec_high_bits(stream, at);
            ONE_SYMBOL(0);
            ONE_SYMBOL(1);
            ONE_SYMBOL(0);
            bits = ec_high_bits(stream, at);
            ONE_SYMBOL(1);
            ONE_SYMBOL(0);
            ONE_SYMBOL(1);
        } while (--sixes);
    }
    for (; left > 0; left -= 2) {
        at = at < end ? at : end;
        uint32_t bits = ec_high_bits(stream, at);
        ONE_SYMBOL(0);
        if (left == 1) {
            break;
        }
        ONE_SYMBOL(1);
    }
    decoder->at = at;
    decoder->states[0] = state_0;
    decoder->states[1] = state_1;
}

static const int32_t *add_low_bits(uint32_t *row, int32_t words, int32_t shift, const int32_t *low_bits, const int32_t *end) {
    const uint32_t mask = 0x01010101u * ((1u << shift) - 1u);
    while (words > 0) {
        uint32_t low = low_bits < end ? (uint32_t)*low_bits++ : 0;
        int32_t group = 8 >> (shift >> 1); /* 8 / shift, as shift is 1, 2 or 4 */
        group = group < words ? group : words;
        for (words -= group; group > 0; --group, ++row, low >>= shift) {
            *row = ((*row << shift) & ~mask) | (low & mask);
        }
    }
    return low_bits;
}

void ec_decode_tans_row(ec_decode_tans *decoder, uint32_t *row) {
    const ec_decode_tans_params *p = decoder->params;
    const int32_t taps = p->taps, number = decoder->row++;
    decode_symbols(decoder, (uint8_t *)row);
    const int32_t code = p->shifts ? (p->shifts[number >> 2] >> 2 * (number & 3)) & 3 : p->shift;
    if (code > 0) {
        const int32_t shift = (1 << code) >> 1;
        decoder->low_bits = add_low_bits(row, (taps + 3) >> 2, shift, decoder->low_bits, p->low_bits + p->low_words);
    }
    while (decoder->untouched < taps) {
        ((uint8_t *)row)[decoder->untouched++] = decoder->patch[1];
        decoder->patch += 2;
        find_patch(decoder);
    }
    if (decoder->untouched != NEVER) {
        decoder->untouched -= taps;
    }
}
