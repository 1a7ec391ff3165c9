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

void ec_decode_lut_row(ec_decode_lut *decoder, uint32_t *row) {
    const ec_decode_lut_params *p = decoder->params;
    const uint8_t *stream = decoder->stream;
    const uint32_t bits = (uint32_t)p->bits, step = 4 * bits;
    const uint32_t end = (uint32_t)p->taps * bits;
    if (p->together == 4) {
        const uint32_t *fours = decoder->table;
        const uint32_t mask = (1u << step) - 1u;
        for (uint32_t at = 0; at < end; at += step) {
            *row++ = fours[ec_bits_lowest_first(stream, at) & mask];
        }
    } else if (p->together == 2) {
        const uint16_t *twos = (const uint16_t *)(const void *)decoder->table;
        const uint32_t mask = (1u << 2 * bits) - 1u;
        for (uint32_t at = 0; at < end; at += step) {
            const uint32_t indices = ec_bits_lowest_first(stream, at);
            *row++ = twos[indices & mask] | (uint32_t)twos[(indices >> 2 * bits) & mask] << 16;
        }
    } else {
        const uint8_t *codebook = (const uint8_t *)decoder->codebook;
        const uint32_t mask = (1u << bits) - 1u;
        for (uint32_t at = 0; at < end; at += step) {
            uint32_t indices = ec_bits_lowest_first(stream, at);
            uint32_t weights = codebook[indices & mask];
            weights |= (uint32_t)codebook[(indices >>= bits) & mask] << 8;
            weights |= (uint32_t)codebook[(indices >>= bits) & mask] << 16;
            *row++ = weights | (uint32_t)codebook[(indices >> bits) & mask] << 24;
        }
    }
    decoder->stream = stream + ((end + 7) >> 3);
    decoder->codebook += p->next_codebook;
}
