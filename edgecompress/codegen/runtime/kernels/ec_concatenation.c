/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* CONCATENATION and PACK. */
#include "ec_concatenation.h"

#include "ec_append.h"

void ec_concatenation(const ec_concatenation_params *p, const void *const *inputs, void *output) {
    uint8_t *to = (uint8_t *)output;
    for (int32_t row = 0; row < p->rows; ++row) {
        for (int32_t i = 0; i < p->inputs; ++i) {
            const int32_t bytes = p->bytes[i];
            to = ec_append(to, (const uint8_t *)inputs[i] + row * bytes, bytes);
        }
    }
}
