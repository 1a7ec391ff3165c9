/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_CONV_2D_MVE_H
#define EC_CONV_2D_MVE_H

#include "ec_requantization.h"
#include "ec_window.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    ec_window window;
    int32_t in_channels;
    int32_t out_channels;
    int32_t out_pitch;     /* from pixel to pixel of the output */
    int32_t lines;         /* that the inputs of one output are taken in: filter_height, or 1 for all inputs */
    int32_t depth;         /* inputs in a line: filter_width * in_channels, or all */
    int32_t line_step;     /* from line to line in the input; 0 where windows are always laid side by side first */
    int32_t zero_point;    /* of the input */
    const int8_t *weights; /* by blocks of EC_GEMM_BLOCK output channels, each in the order of ec_gemm_3x2_mve */
    const int32_t *bias;   /* [out_channels], holds what the zero point adds */
    ec_requantization requantization;
} ec_conv_2d_mve_params;

/* scratch: three int32_t for every output channel of a block, rounded up to 4; then the inputs of three outputs where
 * windows are laid side by side; aligned to 4 */
void ec_conv_2d_mve(const ec_conv_2d_mve_params *p, const int8_t *input, int8_t *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
