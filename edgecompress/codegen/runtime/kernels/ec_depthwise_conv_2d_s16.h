/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_DEPTHWISE_CONV_2D_S16_H
#define EC_DEPTHWISE_CONV_2D_S16_H

#include "ec_requantization_s16.h"
#include "ec_window.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    ec_window window;
    int32_t in_channels;
    int32_t depth_multiplier;
    const int8_t *weights; /* [filter_height][filter_width][in_channels * depth_multiplier] */
    const int64_t *bias;   /* [in_channels * depth_multiplier] */
    ec_requantization_s16 requantization;
} ec_depthwise_conv_2d_s16_params;

void ec_depthwise_conv_2d_s16(const ec_depthwise_conv_2d_s16_params *p, const int16_t *input, int16_t *output);

#ifdef __cplusplus
}
#endif

#endif
