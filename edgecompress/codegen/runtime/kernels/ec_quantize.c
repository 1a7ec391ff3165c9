/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* QUANTIZE and DEQUANTIZE between float32 and integers, without libm. */
#include "ec_quantize.h"

static int32_t round_half_away(float x) {
    const int32_t towards_zero = (int32_t)x;
    const float rest = x - (float)towards_zero; /* exact: |x| is small */
    if (rest >= 0.5f) {
        return towards_zero + 1;
    }
    return rest <= -0.5f ? towards_zero - 1 : towards_zero;
}

/* round(x / scale) + zero_point between the limits, which are within 2^16 of zero, as the zero point is */
static int32_t quantized(const ec_quantize_params *p, float x, int32_t lowest, int32_t highest) {
    const float scaled = x / p->scale;
    int32_t value = lowest;
    if (scaled >= 262144.0f) {
        value = highest;
    } else if (scaled > -262144.0f) { /* false for a NaN */
        value = round_half_away(scaled) + p->zero_point;
    }
    return value < lowest ? lowest : value > highest ? highest : value;
}

void ec_quantize(const ec_quantize_params *p, const float *input, int8_t *output) {
    for (int32_t i = 0; i < p->elements; ++i) {
        output[i] = (int8_t)quantized(p, input[i], INT8_MIN, INT8_MAX);
    }
}

void ec_quantize_u8(const ec_quantize_params *p, const float *input, uint8_t *output) {
    for (int32_t i = 0; i < p->elements; ++i) {
        output[i] = (uint8_t)quantized(p, input[i], 0, UINT8_MAX);
    }
}

void ec_quantize_s16(const ec_quantize_params *p, const float *input, int16_t *output) {
    for (int32_t i = 0; i < p->elements; ++i) {
        output[i] = (int16_t)quantized(p, input[i], INT16_MIN, INT16_MAX);
    }
}

void ec_dequantize(const ec_quantize_params *p, const int8_t *input, float *output) {
    for (int32_t i = 0; i < p->elements; ++i) {
        output[i] = p->scale * (float)(input[i] - p->zero_point);
    }
}

void ec_dequantize_u8(const ec_quantize_params *p, const uint8_t *input, float *output) {
    for (int32_t i = 0; i < p->elements; ++i) {
        output[i] = p->scale * (float)(input[i] - p->zero_point);
    }
}

void ec_dequantize_s16(const ec_quantize_params *p, const int16_t *input, float *output) {
    for (int32_t i = 0; i < p->elements; ++i) {
        output[i] = p->scale * (float)(input[i] - p->zero_point);
    }
}
