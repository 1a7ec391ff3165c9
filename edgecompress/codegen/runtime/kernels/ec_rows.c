/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* Moving rows within their buffer, upwards and word by word, and copying the rows of a patch. */
#include "ec_rows.h"

static void copy_words(uint8_t *to, const uint8_t *from, int32_t bytes) {
    for (int32_t i = 0; i < bytes; i += 4) {
        uint32_t word;
        __builtin_memcpy(&word, __builtin_assume_aligned(from + i, 4), sizeof word);
        __builtin_memcpy(__builtin_assume_aligned(to + i, 4), &word, sizeof word);
    }
}

void ec_move_rows(uint8_t *to, const uint8_t *from, int32_t bytes) {
    copy_words(to, from, bytes);
}

void ec_copy_rows(
    uint8_t *to, int32_t to_pitch, const uint8_t *from, int32_t from_pitch, int32_t rows, int32_t bytes
) {
    for (int32_t row = 0; row < rows; ++row, to += to_pitch, from += from_pitch) {
        if ((((uintptr_t)to | (uintptr_t)from | (uintptr_t)bytes) & 3) == 0) {
            copy_words(to, from, bytes);
            continue;
        }
        for (int32_t i = 0; i < bytes; ++i) {
            to[i] = from[i];
        }
    }
}
