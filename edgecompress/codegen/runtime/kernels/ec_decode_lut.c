/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#include "ec_decode_lut.h"

#include "ec_bits.h"

void ec_decode_lut_begin(ec_decode_lut *decoder, const ec_decode_lut_params *params, uint32_t *tables) {
    const int32_t bits = params->bits, together = params->together;
    uint8_t *to = (uint8_t *)tables;
    decoder->params = params;
    decoder->table = tables;
    decoder->stream = params->stream;
    decoder->codebook = params->codebook;
    for (uint32_t i = 0; together > 1 && i < 1u << (bits * together); ++i) {
        for (int32_t lane = 0; lane < together; ++lane) {
            *to++ = (uint8_t)params->codebook[(i >> (lane * bits)) & ((1u << bits) - 1u)];
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

/* Eight indices take whole bytes. together is a constant. */
static inline void decode(const void *table, const uint8_t *stream, uint32_t *row, int32_t taps, uint32_t bits,
                          const uint32_t together) {
    for (; taps > 4; taps -= 8, row += 2, stream += bits) {
        row[0] = four_of(table, ec_bits_lowest_first(stream, 0), together, bits);
        row[1] = four_of(table, ec_bits_lowest_first(stream, 4 * bits), together, bits);
    }
    if (taps > 0) {
        *row = four_of(table, ec_bits_lowest_first(stream, 0), together, bits);
    }
}

void ec_decode_lut_row(ec_decode_lut *decoder, uint32_t *row) {
    const ec_decode_lut_params *p = decoder->params;
    const uint8_t *stream = decoder->stream;
    const int32_t taps = p->taps;
    const uint32_t bits = p->bits;
    if (p->together == 4) {
        decode(decoder->table, stream, row, taps, bits, 4);
    } else if (p->together == 2) {
        decode(decoder->table, stream, row, taps, bits, 2);
    } else {
        decode(decoder->codebook, stream, row, taps, bits, 1);
    }
    decoder->stream = stream + (((uint32_t)taps * bits + 7) >> 3);
    decoder->codebook += p->next_codebook;
}
