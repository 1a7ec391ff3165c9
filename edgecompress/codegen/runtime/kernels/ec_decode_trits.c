/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#include "ec_decode_trits.h"

/* The byte is a binary fraction whose digits to the base of 3 come out on top, one by one, as it is multiplied by 3. */
static inline uint8_t next_of(uint32_t *fraction, uint32_t codebook) {
    *fraction *= 3u;
    const uint32_t bit = (*fraction >> 5) & 0x18u; /* 8 times the digit */
    *fraction &= 0xFFu;
    return (uint8_t)(codebook >> bit);
}

void ec_decode_trits_begin(ec_decode_trits *decoder, const ec_decode_trits_params *params, uint32_t *tables) {
    (void)tables;
    decoder->params = params;
    decoder->stream = params->stream;
}

void ec_decode_trits_row(ec_decode_trits *decoder, uint32_t *row) {
    const uint32_t codebook = (uint32_t)decoder->params->codebook;
    const uint8_t *stream = decoder->stream;
    uint8_t *to = (uint8_t *)row;
    int32_t left = decoder->params->taps;
    for (; left >= 5; left -= 5, to += 5) {
        uint32_t fraction = *stream++;
        to[0] = next_of(&fraction, codebook);
        to[1] = next_of(&fraction, codebook);
        to[2] = next_of(&fraction, codebook);
        to[3] = next_of(&fraction, codebook);
        to[4] = next_of(&fraction, codebook);
    }
    if (left > 0) {
        for (uint32_t fraction = *stream++; left > 0; --left) {
            *to++ = next_of(&fraction, codebook);
        }
    }
    decoder->stream = stream;
}
