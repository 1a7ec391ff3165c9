/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* Moving rows within their buffer: upwards, word by word. */
#include "ec_rows.h"

void ec_move_rows(uint8_t *to, const uint8_t *from, int32_t bytes) {
    for (int32_t i = 0; i < bytes; i += 4) {
        uint32_t word;
        __builtin_memcpy(&word, __builtin_assume_aligned(from + i, 4), sizeof word);
        __builtin_memcpy(__builtin_assume_aligned(to + i, 4), &word, sizeof word);
    }
}
