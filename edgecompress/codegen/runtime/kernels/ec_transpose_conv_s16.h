/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_TRANSPOSE_CONV_S16_H
#define EC_TRANSPOSE_CONV_S16_H

#include "ec_requantization_s16.h"
#include "ec_window.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    ec_window window; /* of the convolution that goes the other way, from the output to the input */
    int32_t in_channels;
    int32_t out_channels;
    const int8_t *weights; /* [output channels][filter height][filter width][input channels] */
    const int64_t *bias;   /* [output channels] */
    ec_requantization_s16 requantization;
} ec_transpose_conv_s16_params;

void ec_transpose_conv_s16(const ec_transpose_conv_s16_params *p, const int16_t *input, int16_t *output);

#ifdef __cplusplus
}
#endif

#endif
