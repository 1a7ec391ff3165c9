/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* TRANSPOSE, int8, up to six dimensions. */
#include "ec_transpose.h"

enum { RANK = 6 };

void ec_transpose(const ec_transpose_params *p, const int8_t *input, int8_t *output) {
    int32_t index[RANK] = {0};
    int32_t offset = 0;
    for (;;) {
        *output++ = input[offset];
        int32_t axis = RANK - 1;
        while (++index[axis] == p->sizes[axis]) { /* carry */
            offset -= (p->sizes[axis] - 1) * p->strides[axis];
            index[axis] = 0;
            if (axis-- == 0) {
                return;
            }
        }
        offset += p->strides[axis];
    }
}
