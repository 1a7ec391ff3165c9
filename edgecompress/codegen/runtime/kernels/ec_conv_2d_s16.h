/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_CONV_2D_S16_H
#define EC_CONV_2D_S16_H

#include "ec_requantization_s16.h"
#include "ec_window.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    ec_window window;
    int32_t in_channels;
    int32_t out_channels;    /* that are computed */
    int32_t out_pitch;       /* from pixel to pixel of the output */
    int32_t first_channel;   /* of all output channels */
    int32_t group_channels;  /* output channels of a group */
    int32_t filter_channels; /* in_channels / groups */
    const int8_t *weights;   /* [out_channels][filter_height][filter_width][filter_channels] */
    const int64_t *bias;     /* [out_channels] */
    ec_requantization_s16 requantization;
} ec_conv_2d_s16_params;

void ec_conv_2d_s16(const ec_conv_2d_s16_params *p, const int16_t *input, int16_t *output);

#ifdef __cplusplus
}
#endif

#endif
