/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* MEAN and SUM over any axes, int8. */
#include "ec_mean.h"

static int32_t add(int32_t sum, int32_t value) {
    return sum + value;
}

static int8_t rescale(const void *parameters, int32_t sum) {
    const ec_mean_params *p = parameters;
    const int32_t scaled = ec_multiply_by_quantized_multiplier(sum, p->multiplier, p->shift);
    return (int8_t)ec_clamp(scaled + p->output_offset, INT8_MIN, INT8_MAX);
}

void ec_mean(const ec_mean_params *p, const int8_t *input, int8_t *output) {
    ec_reduce(&p->loops, input, output, p->sum_offset, add, rescale, p);
}
