/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* SELECT_V2, with broadcasting, of elements of any size. */
#include "ec_select.h"

/* Inlined for each size, which makes the copy one load and one store. */
__attribute__((always_inline)) static inline void select_of(
    const ec_select_params *p, const uint8_t *condition, const uint8_t *x, const uint8_t *y, uint8_t *output,
    const int32_t bytes
) {
    for (int32_t i = 0; i < p->loops.sizes[0]; ++i) {
        for (int32_t j = 0; j < p->loops.sizes[1]; ++j) {
            for (int32_t k = 0; k < p->loops.sizes[2]; ++k) {
                const int32_t *c = p->loops.strides_condition;
                const int32_t *a = p->loops.strides_x;
                const int32_t *b = p->loops.strides_y;
                const uint8_t *row_c = condition + i * c[0] + j * c[1] + k * c[2];
                const uint8_t *row_x = x + (i * a[0] + j * a[1] + k * a[2]) * bytes;
                const uint8_t *row_y = y + (i * b[0] + j * b[1] + k * b[2]) * bytes;
                for (int32_t l = 0; l < p->loops.sizes[3]; ++l) {
                    const uint8_t *from = row_c[l * c[3]] ? row_x + l * a[3] * bytes : row_y + l * b[3] * bytes;
                    __builtin_memcpy(output, from, (unsigned)bytes);
                    output += bytes;
                }
            }
        }
    }
}

void ec_select(const ec_select_params *p, const uint8_t *condition, const void *x, const void *y, void *output) {
    if (p->bytes == 1) {
        select_of(p, condition, x, y, output, 1);
    } else if (p->bytes == 2) {
        select_of(p, condition, x, y, output, 2);
    } else {
        select_of(p, condition, x, y, output, 4);
    }
}
