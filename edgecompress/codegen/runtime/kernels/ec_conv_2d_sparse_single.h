/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_CONV_2D_SPARSE_SINGLE_H
#define EC_CONV_2D_SPARSE_SINGLE_H

#include "ec_ramp_requantization.h"
#include "ec_window.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    ec_window window;
    int32_t in_channels;
    int32_t out_channels;
    int32_t depth;         /* inputs of one output: filter_height * filter_width * in_channels */
    int32_t zero_point;    /* stands outside the input */
    const uint8_t *lists; /* ec_sum_places.h: of an output channel after the other, by pages of 256 inputs */
    ec_ramps ramps;
} ec_conv_2d_sparse_single_params;

/* scratch: 2 * depth words, then in_channels bytes; aligned to 4 */
void ec_conv_2d_sparse_single(const ec_conv_2d_sparse_single_params *p, const int8_t *input, int8_t *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
