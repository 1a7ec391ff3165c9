/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_DEPTHWISE_CONV_2D_H
#define EC_DEPTHWISE_CONV_2D_H

#include "ec_requantization.h"
#include "ec_window.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    ec_window window;
    int32_t in_channels;
    int32_t depth_multiplier; /* output channels per input channel */
    int32_t input_offset;     /* minus the input's zero point */
    int32_t weight_offset;    /* added to every weight */
    const int8_t *weights;    /* [filter_height][filter_width][in_channels * depth_multiplier] */
    const int32_t *bias;      /* [in_channels * depth_multiplier] */
    ec_requantization requantization;
} ec_depthwise_conv_2d_params;

void ec_depthwise_conv_2d(const ec_depthwise_conv_2d_params *p, const int8_t *input, int8_t *output);

#ifdef __cplusplus
}
#endif

#endif
