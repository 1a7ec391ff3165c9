/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* Few bytes from anywhere, one piece after the other: inlined, for a call would cost more. */
#ifndef EC_APPEND_H
#define EC_APPEND_H

#include <stdint.h>

/* Returns where the next piece goes. The two may overlap where `to` is the lower one. */
static inline uint8_t *ec_append(uint8_t *to, const uint8_t *from, int32_t bytes) {
    int32_t i = 0;
    if ((((uintptr_t)to | (uintptr_t)from) & 3) == 0) {
        for (; i < bytes - 3; i += 4) {
            uint32_t word;
            __builtin_memcpy(&word, __builtin_assume_aligned(from + i, 4), sizeof word);
            __builtin_memcpy(__builtin_assume_aligned(to + i, 4), &word, sizeof word);
        }
    }
    for (; i < bytes; ++i) {
        to[i] = from[i];
    }
    return to + bytes;
}

#endif
