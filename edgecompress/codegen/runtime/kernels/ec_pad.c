/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* PAD, int8 and int16, up to four dimensions. */
#include "ec_pad.h"

static int is_outside(int32_t index, int32_t size) {
    return index < 0 || index >= size;
}

__attribute__((always_inline)) static inline void pad(int32_t bytes, const ec_pad_params *p, const void *input, void *output) {
    int32_t taken = 0, place = 0;
    const int32_t *size = p->sizes;
    for (int32_t i = -p->before[0]; i < size[0] + p->after[0]; ++i) {
        for (int32_t j = -p->before[1]; j < size[1] + p->after[1]; ++j) {
            for (int32_t k = -p->before[2]; k < size[2] + p->after[2]; ++k) {
                const int outside = is_outside(i, size[0]) || is_outside(j, size[1]) || is_outside(k, size[2]);
                for (int32_t l = -p->before[3]; l < size[3] + p->after[3]; ++l) {
                    const int32_t value = outside || is_outside(l, size[3]) ? p->fill : ec_value(input, taken++, bytes);
                    ec_set_value(output, place++, bytes, value);
                }
            }
        }
    }
}

void ec_pad(const ec_pad_params *p, const int8_t *input, int8_t *output) {
    pad(EC_S8, p, input, output);
}

void ec_pad_s16(const ec_pad_params *p, const int16_t *input, int16_t *output) {
    pad(EC_S16, p, input, output);
}
