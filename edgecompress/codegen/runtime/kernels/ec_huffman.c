/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#include "ec_huffman.h"

/* Canonical: codes of one length are consecutive in the order of their symbols, and come before the longer ones. Codes that
 * nobody has are symbol 0 with `log` bits. */
void ec_huffman_table(uint16_t *table, const uint8_t *runs, int32_t bytes, int32_t most) {
    const uint32_t log = (uint32_t)most, size = 1u << log;
    uint32_t next[16] = {0}, symbol = 0, end = 0; /* of the codes of each length: their number, then the next one's entry */
    for (int32_t i = 0; i < bytes; ++i) {
        next[runs[i] & 15u] += (runs[i] >> 4) + 1u;
    }
    for (uint32_t length = 1; length <= log; ++length) {
        const uint32_t codes = next[length];
        next[length] = end;
        end += codes << (log - length);
    }
    for (int32_t i = 0; i < bytes; ++i) {
        const uint32_t length = runs[i] & 15u, behind = symbol + (runs[i] >> 4) + 1;
        if (length == 0 || length > log) {
            symbol = behind;
            continue;
        }
        const uint32_t copies = 1u << (log - length);
        uint32_t at = next[length];
        for (; symbol < behind && at + copies <= size; ++symbol) {
            const uint16_t entry = (uint16_t)((symbol & 0xFFu) | length << 8);
            for (const uint32_t last = at + copies; at < last; ++at) {
                table[at] = entry;
            }
        }
        symbol = behind;
        next[length] = at;
    }
    while (end < size) {
        table[end++] = (uint16_t)(log << 8);
    }
}
