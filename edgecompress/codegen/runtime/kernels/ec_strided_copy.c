/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* Operators that only move: transpositions, slices, repetitions, blocks of space and depth. */
#include "ec_strided_copy.h"

#include "ec_append.h"

enum { LOOPS = 6, INNERMOST = LOOPS - 1 };

static uint8_t *append_pieces(uint8_t *to, const uint8_t *from, int32_t bytes, int32_t count, int32_t stride) {
    if (bytes != 1) {
        for (int32_t i = 0; i < count; ++i) {
            to = ec_append(to, from + i * stride, bytes);
        }
        return to;
    }
    for (int32_t i = 0; i < count; ++i) {
        to[i] = from[i * stride];
    }
    return to + count;
}

void ec_strided_copy(const ec_strided_copy_params *p, const void *input, void *output) {
    const uint8_t *from = (const uint8_t *)input + p->first;
    uint8_t *to = (uint8_t *)output;
    const int32_t count = p->counts[INNERMOST];
    int32_t index[INNERMOST] = {0};
    for (;;) {
        to = append_pieces(to, from, p->bytes, count, p->strides[INNERMOST]);
        int32_t loop = INNERMOST - 1;
        while (++index[loop] == p->counts[loop]) { /* carry */
            from -= (p->counts[loop] - 1) * p->strides[loop];
            index[loop] = 0;
            if (loop-- == 0) {
                return;
            }
        }
        from += p->strides[loop];
    }
}
