/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* GATHER of whole rows by indices that are not known before. */
#include "ec_gather.h"

void ec_gather(const ec_gather_params *p, const void *table, const int32_t *indices, void *output) {
    uint8_t *to = output;
    for (int32_t i = 0; i < p->count; ++i) {
        const int32_t last = p->rows - 1;
        const int32_t row = indices[i] < 0 ? 0 : indices[i] > last ? last : indices[i];
        const uint8_t *from = (const uint8_t *)table + row * p->bytes;
        for (int32_t k = 0; k < p->bytes; ++k) {
            *to++ = from[k];
        }
    }
}
