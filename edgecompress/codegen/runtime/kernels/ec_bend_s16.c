/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* ABS, LEAKY_RELU, RELU and RELU6, int16: a straight line on either side of zero. */
#include "ec_bend_s16.h"

void ec_bend_s16(const ec_bend_s16_params *p, const int16_t *input, int16_t *output) {
    for (int32_t i = 0; i < p->elements; ++i) {
        const int32_t is_negative = input[i] < 0;
        const int32_t multiplier = is_negative ? p->multiplier_negative : p->multiplier;
        const int32_t y = ec_multiply_by_quantized_multiplier(input[i], multiplier, is_negative ? p->shift_negative : p->shift);
        output[i] = (int16_t)ec_clamp(y, p->lowest, p->highest);
    }
}
