/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_DEPTHWISE_CONV_2D_3X3_H
#define EC_DEPTHWISE_CONV_2D_3X3_H

#include "ec_depthwise_lines.h"
#include "ec_depthwise_tiles.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    ec_depthwise_tiles tiles;
    int32_t output_zero_point;
    const int8_t *weights;   /* by channel: 9, line by line; then two bytes that are only read */
    const int32_t *scalings; /* ec_scaling of every channel */
} ec_depthwise_conv_2d_3x3_params;

/* scratch: ec_depthwise_walk's strip, aligned to 4; its lines have (out_length + 1) / 2 + 1 pairs, or out_length + 1 + out_length % 2
 * at stride 2. */
void ec_depthwise_conv_2d_3x3_s1_relu(const ec_depthwise_conv_2d_3x3_params *p, const int8_t *input, int8_t *output, void *scratch);
void ec_depthwise_conv_2d_3x3_s1_linear(const ec_depthwise_conv_2d_3x3_params *p, const int8_t *input, int8_t *output, void *scratch);
void ec_depthwise_conv_2d_3x3_s2_relu(const ec_depthwise_conv_2d_3x3_params *p, const int8_t *input, int8_t *output, void *scratch);
void ec_depthwise_conv_2d_3x3_s2_linear(const ec_depthwise_conv_2d_3x3_params *p, const int8_t *input, int8_t *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
