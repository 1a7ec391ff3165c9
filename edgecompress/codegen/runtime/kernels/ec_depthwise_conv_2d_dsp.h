/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_DEPTHWISE_CONV_2D_DSP_H
#define EC_DEPTHWISE_CONV_2D_DSP_H

#include "ec_requantization.h"
#include "ec_window.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { EC_DEPTHWISE_MOST_TAPS = 32 };

typedef struct {
    ec_window window;      /* at most EC_DEPTHWISE_MOST_TAPS taps */
    int32_t channels;      /* a multiple of 4 */
    int32_t zero_point;    /* of the input */
    const int8_t *weights; /* by four channels, then by two taps: see the kernel */
    const int32_t *bias;   /* [channels], holds what the zero point adds */
    ec_requantization requantization;
} ec_depthwise_conv_2d_dsp_params;

/* scratch: channels bytes */
void ec_depthwise_conv_2d_dsp(const ec_depthwise_conv_2d_dsp_params *p, const int8_t *input, int8_t *output,
                              void *scratch);

#ifdef __cplusplus
}
#endif

#endif
