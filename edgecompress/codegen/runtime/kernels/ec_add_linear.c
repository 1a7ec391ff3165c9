/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* ADD, int8, of two tensors of one shape: for layers where it was proven offline, pair by pair, that a linear function of
 * both inputs gives the output, with an offset of its own below zero. Reads every element before it writes it. */
#include "ec_add_linear.h"

void ec_add_linear(const ec_add_linear_params *p, const int8_t *a, const int8_t *b, int8_t *output) {
    const int32_t factor_a = p->factor_a, factor_b = p->factor_b, zero = p->zero, offset = p->offset, shift = p->shift;
    const int32_t bend = p->bend, low = p->output_min, high = p->output_max;
    for (int32_t i = 0; i < p->elements; ++i) {
        const int32_t x = a[i] * factor_a + b[i] * factor_b + zero;
        int32_t sum = (x + offset + ((x >> 31) & bend)) >> shift;
        sum = sum < low ? low : sum;
        output[i] = (int8_t)(sum > high ? high : sum);
    }
}
