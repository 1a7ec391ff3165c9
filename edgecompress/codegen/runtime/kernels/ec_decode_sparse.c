/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#include "ec_decode_sparse.h"

#include "ec_bits.h"

void ec_decode_sparse_begin(ec_decode_sparse *decoder, const ec_decode_sparse_params *params, uint32_t *tables) {
    (void)tables;
    decoder->params = params;
    decoder->places = params->places;
    decoder->at = 0;
}

/* The place of the lowest one of a byte. */
static inline uint32_t lowest(uint32_t ones) {
#if defined(__ARM_ARCH) && __ARM_ARCH < 7
    uint32_t place = 0;
    for (; !(ones & 1u); ones >>= 1) {
        ++place;
    }
    return place;
#else
    return (uint32_t)__builtin_ctz(ones);
#endif
}

void ec_decode_sparse_row(ec_decode_sparse *decoder, uint32_t *row) {
    const ec_decode_sparse_params *p = decoder->params;
    const uint8_t *places = decoder->places, *values = p->values;
    const uint8_t *codebook = p->bits == 8 ? 0 : (const uint8_t *)p->codebook;
    const uint32_t bits = p->bits, mask = (1u << bits) - 1u, end = (uint32_t)p->end;
    uint32_t at = decoder->at;
    for (int32_t left = p->taps; left > 0; left -= 8, row += 2) {
        uint32_t ones = *places++;
        row[0] = 0;
        if (left > 4) {
            row[1] = 0;
        } else {
            ones &= 0xFu;
        }
        for (; ones && at < end; ones &= ones - 1, at += bits) {
            const uint8_t value = codebook ? codebook[ec_bits_lowest_first(values, at) & mask] : values[at >> 3];
            ((uint8_t *)row)[lowest(ones)] = value;
        }
    }
    decoder->places = places;
    decoder->at = at;
}
