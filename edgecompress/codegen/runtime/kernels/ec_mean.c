/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* MEAN and SUM over any axes, int8 and int16. */
#include "ec_mean.h"

static int32_t add(int32_t sum, int32_t value) {
    return sum + value;
}

static int32_t unclamped(const void *parameters, int32_t sum) {
    const ec_mean_params *p = parameters;
    return ec_multiply_by_quantized_multiplier(sum, p->multiplier, p->shift) + p->output_offset;
}

static int32_t rescale(const void *p, int32_t sum) {
    return ec_clamp(unclamped(p, sum), INT8_MIN, INT8_MAX);
}

static int32_t rescale_s16(const void *p, int32_t sum) {
    return ec_clamp(unclamped(p, sum), INT16_MIN, INT16_MAX);
}

void ec_mean(const ec_mean_params *p, const int8_t *input, int8_t *output) {
    ec_reduce(EC_S8, &p->loops, input, output, p->sum_offset, add, rescale, p);
}

void ec_mean_s16(const ec_mean_params *p, const int16_t *input, int16_t *output) {
    ec_reduce(EC_S16, &p->loops, input, output, 0, add, rescale_s16, p);
}
