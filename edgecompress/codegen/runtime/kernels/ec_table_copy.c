/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* Operators that move what lies at listed places: gathered rows, mirrored borders, nearest neighbours. */
#include "ec_table_copy.h"

#include "ec_append.h"

void ec_table_copy(const ec_table_copy_params *p, const void *input, void *output) {
    uint8_t *to = (uint8_t *)output;
    for (int32_t i = 0; i < p->counts[0]; ++i) {
        for (int32_t j = 0; j < p->counts[1]; ++j) {
            for (int32_t k = 0; k < p->counts[2]; ++k) {
                const uint8_t *from = (const uint8_t *)input + (p->places_0[i] + p->places_1[j] + p->places_2[k]);
                for (int32_t l = 0; l < p->counts[3]; ++l) {
                    to = ec_append(to, from + p->places_3[l], p->bytes);
                }
            }
        }
    }
}
