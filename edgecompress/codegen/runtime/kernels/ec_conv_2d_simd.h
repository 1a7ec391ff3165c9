/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_CONV_2D_SIMD_H
#define EC_CONV_2D_SIMD_H

#include "ec_frame.h"
#include "ec_simd.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    ec_frame frame;
    int32_t runs;           /* of bytes that lie side by side in the frame: a filter's rows, or its taps where those are apart */
    int32_t quads;          /* of a run; weights beyond its end are zero */
    const int32_t *offsets; /* [runs], from the first tap on */
    ec_simd_channels channels;
} ec_conv_2d_simd_params;

/* scratch: frame.bytes */
void ec_conv_2d_simd_framed(const ec_conv_2d_simd_params *p, const int8_t *input, int8_t *output,
                            void *scratch);

/* Where the input is its own frame. */
void ec_conv_2d_simd(const ec_conv_2d_simd_params *p, const int8_t *input, int8_t *output);

#ifdef __cplusplus
}
#endif

#endif
