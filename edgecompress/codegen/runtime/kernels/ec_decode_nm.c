/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#include "ec_decode_nm.h"

#include "ec_bits.h"

void ec_decode_nm_begin(ec_decode_nm *decoder, const ec_decode_nm_params *params, uint32_t *tables) {
    (void)tables;
    decoder->params = params;
    decoder->places = params->places;
    decoder->values = params->values;
}

static inline uint32_t weight_of(const uint8_t *codebook, uint32_t index) {
    return codebook ? codebook[index] : index;
}

/* fours, and the two indices of each; a place that no pair has counts as pair 23 */
static inline void pairs(const ec_decode_nm *decoder, const uint8_t *codebook, uint32_t *row, uint32_t fours) {
    const uint32_t bits = (uint32_t)decoder->params->bits, mask = (1u << bits) - 1u;
    for (uint32_t four = 0; four < fours; ++four) {
        const uint32_t twice = 2 * (ec_bits_lowest_first(decoder->places, 3 * four) & 7u);
        const uint32_t both = ec_bits_lowest_first(decoder->values, 2 * bits * four);
        const uint32_t low = (0xA940u >> twice) & 3u, high = (0xFFB9u >> twice) & 3u;
        *row++ = weight_of(codebook, both & mask) << 8 * low | weight_of(codebook, (both >> bits) & mask) << 8 * high;
    }
}

static inline void singles(const ec_decode_nm *decoder, const uint8_t *codebook, uint32_t *row, uint32_t fours) {
    const uint32_t bits = (uint32_t)decoder->params->bits, mask = (1u << bits) - 1u;
    for (uint32_t four = 0; four < fours; ++four) {
        const uint32_t place = ec_bits_lowest_first(decoder->places, 2 * four) & 3u;
        *row++ = weight_of(codebook, ec_bits_lowest_first(decoder->values, bits * four) & mask) << 8 * place;
    }
}

void ec_decode_nm_row(ec_decode_nm *decoder, uint32_t *row) {
    const ec_decode_nm_params *p = decoder->params;
    const uint32_t fours = ((uint32_t)p->taps + 3) >> 2, nonzeros = (uint32_t)p->nonzeros;
    const uint8_t *codebook = p->bits == 8 ? 0 : (const uint8_t *)p->codebook;
    if (nonzeros == 2) {
        pairs(decoder, codebook, row, fours);
    } else {
        singles(decoder, codebook, row, fours);
    }
    decoder->places += (fours * (nonzeros + 1) + 7) >> 3;
    decoder->values += (fours * nonzeros * (uint32_t)p->bits + 7) >> 3;
}
