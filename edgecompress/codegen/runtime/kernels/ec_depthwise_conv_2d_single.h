/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_DEPTHWISE_CONV_2D_SINGLE_H
#define EC_DEPTHWISE_CONV_2D_SINGLE_H

#include "ec_ramp_requantization.h"
#include "ec_window.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { EC_DEPTHWISE_SINGLE_MOST_TAPS = 49 };

typedef struct {
    ec_window window; /* at most EC_DEPTHWISE_SINGLE_MOST_TAPS taps */
    int32_t channels;
    int32_t zero_point;
    const int8_t *weights; /* [filter_height][filter_width][channels] */
    ec_ramps ramps;
} ec_depthwise_conv_2d_single_params;

/* scratch: `channels` bytes */
void ec_depthwise_conv_2d_single(const ec_depthwise_conv_2d_single_params *p, const int8_t *input, int8_t *output,
                                 void *scratch);

#ifdef __cplusplus
}
#endif

#endif
