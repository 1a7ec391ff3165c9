/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* Element-wise functions of one byte, by table. */
#include "ec_lookup.h"

void ec_lookup(const ec_lookup_params *p, const void *input, void *output) {
    const uint8_t *from = (const uint8_t *)input;
    uint8_t *to = (uint8_t *)output;
    for (int32_t i = 0; i < p->elements; ++i) {
        to[i] = p->table[from[i]];
    }
}
