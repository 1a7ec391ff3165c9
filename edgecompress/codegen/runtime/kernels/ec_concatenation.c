/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* CONCATENATION and PACK. */
#include "ec_concatenation.h"

#include "ec_rows.h"

void ec_concatenation(const ec_concatenation_params *p, const void *const *inputs, void *output) {
    uint8_t *to = (uint8_t *)output;
    for (int32_t row = 0; row < p->rows; ++row) {
        for (int32_t i = 0; i < p->inputs; ++i) {
            const int32_t bytes = p->bytes[i];
            ec_copy_rows(to, 0, (const uint8_t *)inputs[i] + row * bytes, 0, 1, bytes);
            to += bytes;
        }
    }
}
