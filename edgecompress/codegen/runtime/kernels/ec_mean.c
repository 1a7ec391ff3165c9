/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* MEAN over any axes, int8. */
#include "ec_mean.h"

static int32_t sum(const ec_mean_params *p, const int8_t *input) {
    int32_t total = p->sum_offset;
    for (int32_t i = 0; i < p->reduced_sizes[0]; ++i) {
        for (int32_t j = 0; j < p->reduced_sizes[1]; ++j) {
            for (int32_t k = 0; k < p->reduced_sizes[2]; ++k) {
                const int8_t *x = input + i * p->reduced_strides[0] + j * p->reduced_strides[1] + k * p->reduced_strides[2];
                for (int32_t l = 0; l < p->reduced_sizes[3]; ++l) {
                    total += x[l * p->reduced_strides[3]];
                }
            }
        }
    }
    return total;
}

void ec_mean(const ec_mean_params *p, const int8_t *input, int8_t *output) {
    for (int32_t i = 0; i < p->kept_sizes[0]; ++i) {
        for (int32_t j = 0; j < p->kept_sizes[1]; ++j) {
            for (int32_t k = 0; k < p->kept_sizes[2]; ++k) {
                for (int32_t l = 0; l < p->kept_sizes[3]; ++l) {
                    const int8_t *x = input + i * p->kept_strides[0] + j * p->kept_strides[1] + k * p->kept_strides[2] + l * p->kept_strides[3];
                    const int32_t scaled = ec_multiply_by_quantized_multiplier(sum(p, x), p->multiplier, p->shift);
                    *output++ = (int8_t)ec_clamp(scaled + p->output_offset, INT8_MIN, INT8_MAX);
                }
            }
        }
    }
}
