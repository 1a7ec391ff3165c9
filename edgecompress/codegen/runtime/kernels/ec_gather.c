/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* GATHER by indices that are not known before. */
#include "ec_gather.h"

#include "ec_append.h"

void ec_gather(const ec_gather_params *p, const void *table, const int32_t *indices, void *output) {
    const int32_t last = p->rows - 1;
    const uint8_t *rows = table;
    uint8_t *to = output;
    for (int32_t batch = 0; batch < p->batches; ++batch) {
        for (int32_t part = 0; part < p->parts; ++part) {
            for (int32_t i = 0; i < p->count; ++i) {
                const int32_t row = indices[i] < 0 ? 0 : indices[i] > last ? last : indices[i];
                to = ec_append(to, rows + row * p->bytes, p->bytes);
            }
            rows += p->rows * p->bytes;
        }
        indices += p->count;
    }
}
