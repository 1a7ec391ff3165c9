/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_QUANTIZE_H
#define EC_QUANTIZE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t elements;
    float scale;
    int32_t zero_point;
} ec_quantize_params;

/* round(x / scale) + zero_point, halves away from zero, saturating; a NaN becomes the lowest value. */
void ec_quantize(const ec_quantize_params *p, const float *input, int8_t *output);
void ec_quantize_u8(const ec_quantize_params *p, const float *input, uint8_t *output);
void ec_quantize_s16(const ec_quantize_params *p, const float *input, int16_t *output);
/* scale * (x - zero_point) */
void ec_dequantize(const ec_quantize_params *p, const int8_t *input, float *output);
void ec_dequantize_u8(const ec_quantize_params *p, const uint8_t *input, float *output);
void ec_dequantize_s16(const ec_quantize_params *p, const int16_t *input, float *output);

#ifdef __cplusplus
}
#endif

#endif
