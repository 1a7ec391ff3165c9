/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_CONV_2D_WINOGRAD_H
#define EC_CONV_2D_WINOGRAD_H

#include "ec_scaling.h"
#include "ec_window.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    ec_window window;        /* 3 x 3, stride 1, no dilation; outputs of even height and width, a multiple of 16 in all */
    int32_t channels;        /* of the input, a multiple of 4 */
    int32_t out_channels;    /* even */
    int32_t zero_point;      /* of the input, stands outside */
    int32_t output_zero_point;
    const int16_t *weights;  /* transformed, four times their value: [out_channels / 2][16][channels / 2][2][2], the inputs of a pair last */
    const int32_t *scalings; /* ec_scaling of every output channel */
} ec_conv_2d_winograd_params;

/* scratch: 64 * channels int16_t, then 128 int32_t, then channels bytes; aligned to 4 */
void ec_conv_2d_winograd_relu(const ec_conv_2d_winograd_params *p, const int8_t *input, int8_t *output, void *scratch);
void ec_conv_2d_winograd_linear(const ec_conv_2d_winograd_params *p, const int8_t *input, int8_t *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
