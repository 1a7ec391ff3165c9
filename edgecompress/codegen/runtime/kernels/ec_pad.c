/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* PAD, int8, up to four dimensions. */
#include "ec_pad.h"

static int is_outside(int32_t index, int32_t size) {
    return index < 0 || index >= size;
}

void ec_pad(const ec_pad_params *p, const int8_t *input, int8_t *output) {
    const int32_t *size = p->sizes;
    for (int32_t i = -p->before[0]; i < size[0] + p->after[0]; ++i) {
        for (int32_t j = -p->before[1]; j < size[1] + p->after[1]; ++j) {
            for (int32_t k = -p->before[2]; k < size[2] + p->after[2]; ++k) {
                const int outside = is_outside(i, size[0]) || is_outside(j, size[1]) || is_outside(k, size[2]);
                for (int32_t l = -p->before[3]; l < size[3] + p->after[3]; ++l) {
                    *output++ = (int8_t)(outside || is_outside(l, size[3]) ? p->fill : *input++);
                }
            }
        }
    }
}
