/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#include "ec_weave.h"

#include "ec_dsp.h"

void ec_weave_joint(uint32_t *to, int32_t step, const uint32_t *a, const uint32_t *b, int32_t fours) {
    for (; fours > 0; --fours, to += 2 * step) {
        const uint32_t first = *a++, second = *b++;
        to[0] = ec_add_pairs(ec_even_bytes(first), (second << 8) & 0xFF00FF00u);
        to[step] = ec_add_pairs(ec_odd_bytes(first), second & 0xFF00FF00u);
    }
}

void ec_weave_lanes(uint8_t *to, const uint8_t *from, int32_t count, int32_t run, int32_t step) {
    for (; count > 0; count -= run, to += step) {
        for (int32_t i = 0; i < run && i < count; ++i) {
            to[i] = *from++;
        }
    }
}
