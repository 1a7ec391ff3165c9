/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* ARG_MAX and ARG_MIN along one axis, int8. */
#include "ec_arg_max.h"

/* `sign`: 1 for the largest, -1 for the smallest. */
static void find(const ec_arg_max_params *p, const int8_t *input, int32_t *output, int32_t sign) {
    for (int32_t row = 0; row < p->rows; ++row, input += p->length * p->stride) {
        for (int32_t column = 0; column < p->stride; ++column) {
            int32_t best = 0;
            for (int32_t i = 1; i < p->length; ++i) {
                if (sign * input[i * p->stride + column] > sign * input[best * p->stride + column]) {
                    best = i;
                }
            }
            *output++ = best;
        }
    }
}

void ec_arg_max(const ec_arg_max_params *p, const int8_t *input, int32_t *output) {
    find(p, input, output, 1);
}

void ec_arg_min(const ec_arg_max_params *p, const int8_t *input, int32_t *output) {
    find(p, input, output, -1);
}
