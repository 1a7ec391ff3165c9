/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#include "ec_decode_huffman.h"

#include "ec_bits.h"

/* Canonical: codes of one length are consecutive in the order of their symbols, and come before the longer ones. A table entry is
 * the symbol and, above it, the length; codes that nobody has are symbol 0 with `log` bits. */
static void make_table(uint16_t *table, const ec_decode_huffman_params *params) {
    const uint32_t log = params->log, size = 1u << log;
    uint32_t at = 0;
    for (uint32_t length = 1; length <= log; ++length) {
        const uint32_t copies = size >> length;
        uint32_t symbol = 0;
        for (int32_t i = 0; i < params->length_bytes; ++i) {
            const uint32_t run = params->lengths[i], next = symbol + (run >> 4) + 1;
            if ((run & 15u) == length) {
                for (; symbol < next && at + copies <= size; ++symbol) {
                    for (uint32_t copy = 0; copy < copies; ++copy) {
                        table[at++] = (uint16_t)((symbol & 0xFFu) | length << 8);
                    }
                }
            }
            symbol = next;
        }
    }
    while (at < size) {
        table[at++] = (uint16_t)(log << 8);
    }
}

void ec_decode_huffman_begin(ec_decode_huffman *decoder, const ec_decode_huffman_params *params, uint32_t *tables) {
    make_table((uint16_t *)(void *)tables, params);
    decoder->params = params;
    decoder->table = (const uint16_t *)(const void *)tables;
    decoder->at = 0;
    ec_low_bits_begin(&decoder->finish, &params->finish);
}

#define ONE_SYMBOL(to)                                                                                                 \
    do {                                                                                                               \
        const uint32_t entry = table[bits >> unused];                                                                  \
        *(to) = (uint8_t)entry;                                                                                        \
        bits <<= entry >> 8;                                                                                           \
        at += entry >> 8;                                                                                              \
    } while (0)

/* count: a multiple of 4 */
static void decode_symbols(ec_decode_huffman *decoder, uint8_t *to, int32_t count) {
    const uint16_t *table = decoder->table;
    const uint8_t *stream = decoder->params->stream;
    const uint32_t end = (uint32_t)decoder->params->end, unused = 32u - decoder->params->log;
    uint32_t at = decoder->at;
    for (; count > 0 && at + 4 * EC_HUFFMAN_MOST_BITS <= end; count -= 4, to += 4) {
        uint32_t bits = ec_bits_highest_first(stream, at);
        ONE_SYMBOL(to);
        ONE_SYMBOL(to + 1);
        bits = ec_bits_highest_first(stream, at);
        ONE_SYMBOL(to + 2);
        ONE_SYMBOL(to + 3);
    }
    for (; count > 0; --count, ++to) {
        at = at < end ? at : end;
        uint32_t bits = ec_bits_highest_first(stream, at);
        ONE_SYMBOL(to);
    }
    decoder->at = at;
}

void ec_decode_huffman_row(ec_decode_huffman *decoder, uint32_t *row) {
    const int32_t taps = decoder->params->taps, together = decoder->params->together;
    const int32_t words = ((taps + 15) >> 4) << 2;
    int32_t groups = (taps + 3) >> 2; /* of four symbols */
    groups = together == 1 ? groups : together == 2 ? (groups + 1) >> 1 : words >> 2;
    decode_symbols(decoder, (uint8_t *)(row + words - words / together), 4 * groups);
    ec_low_bits_add(&decoder->finish, row, words, taps, together);
}
