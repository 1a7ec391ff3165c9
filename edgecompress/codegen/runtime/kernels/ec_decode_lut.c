/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#include "ec_decode_lut.h"

#include "ec_bits.h"

/* Two weights as a halfword, the first one lowest. A joint one is 256 * second + first. */
static inline uint32_t two_of(int32_t first, int32_t second, int32_t lows) {
    return (uint32_t)(256 * second + (first & lows)) & 0xFFFFu;
}

void ec_decode_lut_begin(ec_decode_lut *decoder, const ec_decode_lut_params *params, uint32_t *tables) {
    const int8_t *const codebook = params->codebook, *const end = codebook + (1u << params->bits);
    const int32_t lows = params->is_joint ? -1 : 0xFF;
    uint16_t *to = (uint16_t *)tables;
    decoder->params = params;
    decoder->table = tables;
    decoder->stream = params->stream;
    decoder->codebook = codebook;
    if (params->together == 2) {
        for (const int8_t *second = codebook; second < end; ++second) {
            for (const int8_t *first = codebook; first < end; ++first) {
                *to++ = (uint16_t)two_of(*first, *second, lows);
            }
        }
    } else if (params->together == 4) {
        for (uint32_t i = 0; i < 16; ++i) {
            *to++ = (uint16_t)two_of(codebook[i & 1u], codebook[i >> 1 & 1u], lows);
            *to++ = (uint16_t)two_of(codebook[i >> 2 & 1u], codebook[i >> 3], lows);
        }
    }
}

static inline uint32_t four_of(const void *table, uint32_t indices, const uint32_t together, uint32_t bits) {
    const uint32_t mask = (1u << (together * bits)) - 1u;
    if (together == 4) {
        return ((const uint32_t *)table)[indices & mask];
    }
    if (together == 2) {
        const uint16_t *twos = (const uint16_t *)table;
        return twos[indices & mask] | (uint32_t)twos[(indices >> 2 * bits) & mask] << 16;
    }
    const uint8_t *ones = (const uint8_t *)table;
    return ones[indices & mask] | (uint32_t)ones[(indices >> bits) & mask] << 8 |
           (uint32_t)ones[(indices >> 2 * bits) & mask] << 16 | (uint32_t)ones[(indices >> 3 * bits) & mask] << 24;
}

/* Eight indices of 4 bits at most take whole bytes of a word. together is a constant. */
static inline void decode(const void *table, const uint8_t *stream, uint32_t *row, int32_t words, uint32_t bits,
                          const uint32_t together) {
    for (; words > 0; words -= 2, row += 2, stream += bits) {
        const uint32_t indices = ec_bits_lowest_first(stream, 0);
        row[0] = four_of(table, indices, together, bits);
        if (words > 1) {
            row[1] = four_of(table, indices >> 4 * bits, together, bits);
        }
    }
}

void ec_decode_lut_row(ec_decode_lut *decoder, uint32_t *row) {
    const ec_decode_lut_params *p = decoder->params;
    const uint8_t *stream = decoder->stream;
    const int32_t words = (p->taps + 3) >> 2;
    const uint32_t bits = p->bits;
    if (p->together == 4) {
        decode(decoder->table, stream, row, words, bits, 4);
    } else if (p->together == 2) {
        decode(decoder->table, stream, row, words, bits, 2);
    } else {
        for (uint32_t i = 0; i < (uint32_t)words; ++i) {
            row[i] = four_of(decoder->codebook, ec_bits_lowest_first(stream, 4 * bits * i), 1, bits);
        }
    }
    decoder->stream = stream + ((p->taps * bits + 7) >> 3);
    decoder->codebook += p->next_codebook;
}
