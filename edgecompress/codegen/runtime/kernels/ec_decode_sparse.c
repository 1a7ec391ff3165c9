/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#include "ec_decode_sparse.h"

#include "ec_bits.h"

void ec_decode_sparse_begin(ec_decode_sparse *decoder, const ec_decode_sparse_params *params, uint32_t *tables) {
    (void)tables;
    decoder->params = params;
    decoder->places = params->places;
    decoder->at = 0;
}

void ec_decode_sparse_row(ec_decode_sparse *decoder, uint32_t *row) {
    const ec_decode_sparse_params *p = decoder->params;
    const uint8_t *places = decoder->places, *values = p->values;
    const uint8_t *codebook = p->bits == 8 ? 0 : (const uint8_t *)p->codebook;
    const uint32_t bits = (uint32_t)p->bits, mask = (1u << bits) - 1u, end = (uint32_t)p->end;
    uint32_t at = decoder->at;
    for (int32_t left = p->taps; left > 0; left -= 8, row += 2) {
        uint32_t ones = *places++;
        uint8_t *to = (uint8_t *)row;
        row[0] = 0;
        if (left > 4) {
            row[1] = 0;
        } else {
            ones &= 0xFu;
        }
        for (; ones; ones >>= 1, ++to) {
            if (ones & 1u) {
                at = at < end ? at : end;
                const uint32_t index = ec_bits_lowest_first(values, at) & mask;
                at += bits;
                *to = codebook ? codebook[index] : (uint8_t)index;
            }
        }
    }
    decoder->places = places;
    decoder->at = at;
}
