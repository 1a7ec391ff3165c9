/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_DEPTHWISE_CONV_2D_SIMD_H
#define EC_DEPTHWISE_CONV_2D_SIMD_H

#include "ec_frame.h"
#include "ec_simd.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    ec_frame frame;
    int32_t width;          /* of a block of channels: 16 where there are as many, else 8 */
    int32_t taps;           /* an even number: the last is filled up */
    const int32_t *offsets; /* [taps], from the first on */
    /* Tables and weights go by blocks; the last block ends with the last channel, and begins within the one before where it
     * must. For every pair of taps: [2][width]. */
    ec_simd_channels channels;
} ec_depthwise_conv_2d_simd_params;

/* scratch: frame.bytes */
void ec_depthwise_conv_2d_simd_framed(const ec_depthwise_conv_2d_simd_params *p, const int8_t *input, int8_t *output,
                                      void *scratch);

/* Where the input is its own frame. */
void ec_depthwise_conv_2d_simd(const ec_depthwise_conv_2d_simd_params *p, const int8_t *input, int8_t *output);

#ifdef __cplusplus
}
#endif

#endif
