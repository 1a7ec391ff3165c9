/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_CONV_2D_DSP_H
#define EC_CONV_2D_DSP_H

#include "ec_requantization.h"
#include "ec_window.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    ec_window window;
    int32_t in_channels;
    int32_t out_channels;
    int32_t depth;         /* inputs of one output: filter_height * filter_width * in_channels, rounded up to 4 */
    int32_t input_offset;  /* minus the input's zero point */
    const int8_t *weights; /* by pairs of output channels, in the order of ec_gemm_4x2 */
    const int32_t *bias;   /* [out_channels] */
    ec_requantization requantization;
} ec_conv_2d_dsp_params;

/* scratch: 4 * depth int16_t, then depth bytes where in_channels is no multiple of 4; aligned to 4 */
void ec_conv_2d_dsp(const ec_conv_2d_dsp_params *p, const int8_t *input, int8_t *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
