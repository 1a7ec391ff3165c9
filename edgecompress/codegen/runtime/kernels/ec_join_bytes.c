/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#include "ec_join_bytes.h"

#include "ec_dsp.h"

static inline uint32_t join(uint32_t word) {
    return ec_subtract_pairs(word, (word & 0x00800080u) << 1);
}

void ec_join_bytes(uint32_t *words, int32_t bytes) {
    uint32_t *const end = words + bytes / 4;
    for (; end - words >= 4; words += 4) {
        const uint32_t a = words[0], b = words[1], c = words[2], d = words[3];
        words[0] = join(a);
        words[1] = join(b);
        words[2] = join(c);
        words[3] = join(d);
    }
    for (; words < end; ++words) {
        *words = join(*words);
    }
}
