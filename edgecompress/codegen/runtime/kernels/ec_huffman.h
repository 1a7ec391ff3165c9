/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* Huffman's code, decoded by one look-up. */
#ifndef EC_HUFFMAN_H
#define EC_HUFFMAN_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { EC_HUFFMAN_MOST_BITS = 10 };

/* Writes the table of 2^log entries, by the next `log` bits of the stream: the symbol and, above it, the length of its code, at
 * most log. Any runs are safe.
 *
 * runs: lengths of the codes of symbols 0, 1, ...: 16 * (number of symbols - 1) + length, 0 where they have no code
 * log:  1 to EC_HUFFMAN_MOST_BITS */
void ec_huffman_table(uint16_t *table, const uint8_t *runs, int32_t bytes, int32_t log);

#ifdef __cplusplus
}
#endif

#endif
