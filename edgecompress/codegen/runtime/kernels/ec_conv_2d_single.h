/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_CONV_2D_SINGLE_H
#define EC_CONV_2D_SINGLE_H

#include "ec_ramp_requantization.h"
#include "ec_window.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    ec_window window;
    int32_t in_channels;
    int32_t out_channels;
    int32_t out_pitch; /* from pixel to pixel of the output */
    int32_t depth; /* inputs of one output: filter_height * filter_width * in_channels, rounded up to 4 */
    int32_t zero_point;
    const int8_t *weights; /* of eight output channels at a time as ec_block_gemm reads them, then [rest][depth] */
    const uint8_t *runs;   /* of all channels that ec_block_gemm computes */
    ec_ramps ramps;
} ec_conv_2d_single_params;

/* The first form takes its weights as above; the second as [out_channels][depth], and no runs: no two neighbours of a channel's
 * weights, from an even one on, may have magnitudes of more than 255 together.
 *
 * scratch: 8 * depth bytes, then in_channels bytes; aligned to 4 */
void ec_conv_2d_single(const ec_conv_2d_single_params *p, const int8_t *input, int8_t *output, void *scratch);
void ec_conv_2d_single_rows(const ec_conv_2d_single_params *p, const int8_t *input, int8_t *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
