/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_DEPTHWISE_CONV_2D_LINES_H
#define EC_DEPTHWISE_CONV_2D_LINES_H

#include "ec_depthwise_tiles.h"
#include "ec_scaling.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { EC_DEPTHWISE_MOST_WORDS = 128 };

typedef struct {
    ec_depthwise_tiles tiles;
    int32_t filter_length; /* taps along a line; filter_lines * 2 * (filter_length / 2 + 1) is at most EC_DEPTHWISE_MOST_WORDS */
    int32_t output_zero_point;
    const int8_t *weights;   /* by channel, line by line */
    const int32_t *scalings; /* ec_scaling of every channel */
} ec_depthwise_conv_2d_lines_params;

/* scratch: ec_depthwise_walk's strip, aligned to 4; with out_length rounded up to a multiple of 4 its lines have half of it
 * + filter_length / 2 + 1 pairs, or all of it + filter_length / 2 + 1 at stride 2. */
void ec_depthwise_conv_2d_lines_s1_relu(const ec_depthwise_conv_2d_lines_params *p, const int8_t *input, int8_t *output, void *scratch);
void ec_depthwise_conv_2d_lines_s1_linear(const ec_depthwise_conv_2d_lines_params *p, const int8_t *input, int8_t *output, void *scratch);
void ec_depthwise_conv_2d_lines_s2_relu(const ec_depthwise_conv_2d_lines_params *p, const int8_t *input, int8_t *output, void *scratch);
void ec_depthwise_conv_2d_lines_s2_linear(const ec_depthwise_conv_2d_lines_params *p, const int8_t *input, int8_t *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
