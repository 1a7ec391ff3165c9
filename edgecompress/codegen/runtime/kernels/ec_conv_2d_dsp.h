/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_CONV_2D_DSP_H
#define EC_CONV_2D_DSP_H

#include "ec_requantization.h"
#include "ec_strip.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    ec_strip_params strip;
    int32_t out_channels;
    int32_t out_pitch;     /* from pixel to pixel of the output */
    const int8_t *weights; /* by pairs of output channels, in the order of ec_gemm_4x2 */
    const int32_t *bias;   /* [out_channels], holds what the input's zero point adds */
    ec_requantization requantization;
} ec_conv_2d_dsp_params;

/* scratch: as ec_strip_fill */
void ec_conv_2d_dsp(const ec_conv_2d_dsp_params *p, const int8_t *input, int8_t *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
