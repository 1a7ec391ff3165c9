/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_TRANSPOSE_CONV_H
#define EC_TRANSPOSE_CONV_H

#include "ec_requantization.h"
#include "ec_window.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    ec_window window; /* of the convolution that goes the other way, from the output to the input */
    int32_t in_channels;
    int32_t out_channels;
    int32_t input_offset;  /* minus the zero point */
    const int8_t *weights; /* [output channels][filter height][filter width][input channels] */
    const int32_t *bias;   /* [output channels] */
    ec_requantization requantization;
} ec_transpose_conv_params;

void ec_transpose_conv(const ec_transpose_conv_params *p, const int8_t *input, int8_t *output);

#ifdef __cplusplus
}
#endif

#endif
