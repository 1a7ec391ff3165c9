/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#include "ec_join_bytes.h"

void ec_join_bytes(uint32_t *words, int32_t bytes) {
    for (int32_t i = 0; i < bytes / 4; ++i) {
        const uint32_t word = words[i], less = (word & 0x00800080u) << 1;
        /* the high bytes less one where their low byte is negative, with nothing borrowed from one halfword to the other */
        const uint32_t high = ((word | 0x80008000u) & 0xFF00FF00u) - less;
        words[i] = (word & 0x00FF00FFu) | ((high ^ ~word) & 0x80008000u) | (high & 0x7F007F00u);
    }
}
