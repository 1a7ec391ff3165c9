/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#include "ec_tans.h"

enum { MOST_SYMBOLS = 1 << EC_TANS_MOST_BITS };

/* Of a symbol: the number x of its next state, from its share to twice the share, and above it how many bits bring that back
 * among the 2^log to twice as many. */
enum { X_BITS = 12 };

static uint16_t first_of(uint32_t share, uint32_t size) {
    uint32_t bits = 0;
    while (share << bits < size) {
        ++bits;
    }
    return (uint16_t)(share | bits << X_BITS);
}

/* Symbols get their states at a fixed step, which spreads them evenly; then each state gets the next number of its symbol. */
void ec_tans_table(uint32_t *table, const uint8_t *histogram, int32_t bytes, int32_t log) {
    const uint32_t size = 1u << log, step = (size >> 1) + (size >> 3) + 3; /* odd, so that every state comes once */
    const uint32_t least = log > EC_TANS_MOST_BITS ? 1u << (log - EC_TANS_MOST_BITS) : 1u;
    uint16_t next[MOST_SYMBOLS + 1];
    uint32_t state = 0, left = size, symbols = 0, symbol = bytes > 0 ? *histogram++ : 0;
    for (; bytes > 1; --bytes, ++symbol) {
        uint32_t share = *histogram++;
        if (share == 0 && bytes > 2) {
            symbol += *histogram++ - 1u;
            --bytes;
        }
        share = share < left ? share : left;
        if (share < least) {
            continue;
        }
        left -= share;
        next[symbols] = first_of(share, size);
        for (; share > 0; --share) {
            table[state] = (symbol & 0xFFu) | symbols << 8;
            state = (state + step) & (size - 1);
        }
        ++symbols;
    }
    next[symbols] = first_of(size, size);
    for (; left > 0; --left) {
        table[state] = symbols << 8;
        state = (state + step) & (size - 1);
    }
    for (state = 0; state < size; ++state) {
        uint16_t *const number = &next[table[state] >> 8];
        const uint32_t x = *number & ((1u << X_BITS) - 1u);
        uint32_t bits = *number >> X_BITS;
        if (bits > 0 && x << bits >= 2 * size) {
            --bits;
        }
        *number = (uint16_t)((x + 1) | bits << X_BITS);
        table[state] = (table[state] & 0xFFu) | bits << 8 | 1u << (16 + bits) | (((x << bits) - size) & (size - 1)) << 24;
    }
}
