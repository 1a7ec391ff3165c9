/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* QUANTIZE and DEQUANTIZE between float32 and int8, without libm. */
#include "ec_quantize.h"

static int32_t round_half_away(float x) {
    const int32_t towards_zero = (int32_t)x;
    const float rest = x - (float)towards_zero; /* exact: |x| is small */
    if (rest >= 0.5f) {
        return towards_zero + 1;
    }
    return rest <= -0.5f ? towards_zero - 1 : towards_zero;
}

void ec_quantize(const ec_quantize_params *p, const float *input, int8_t *output) {
    for (int32_t i = 0; i < p->elements; ++i) {
        const float scaled = input[i] / p->scale;
        int32_t value = INT8_MIN;
        if (scaled >= 1024.0f) {
            value = INT8_MAX;
        } else if (scaled > -1024.0f) { /* false for a NaN */
            value = round_half_away(scaled) + p->zero_point;
        }
        output[i] = (int8_t)(value < INT8_MIN ? INT8_MIN : value > INT8_MAX ? INT8_MAX : value);
    }
}

void ec_dequantize(const ec_quantize_params *p, const int8_t *input, float *output) {
    for (int32_t i = 0; i < p->elements; ++i) {
        output[i] = p->scale * (float)(input[i] - p->zero_point);
    }
}
