/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_CONV_2D_SPARSE_H
#define EC_CONV_2D_SPARSE_H

#include "ec_gemm_sparse.h"
#include "ec_lanes.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    ec_strip_params strip;
    int32_t out_channels;    /* that are computed */
    int32_t out_pitch;       /* from pixel to pixel of the output */
    const uint8_t *lists;    /* of every output channel: ec_gemm_sparse.h */
    const int8_t *values;    /* 16, of the shared form; else 0 */
    const int32_t *scalings; /* ec_scaling of every output channel */
    int32_t output_zero_point;
} ec_conv_2d_sparse_params;

/* scratch: as ec_lanes_fill. The relu forms are for layers whose zero point and smallest output are -128. */
void ec_conv_2d_sparse_shared_relu(const ec_conv_2d_sparse_params *p, const int8_t *input, int8_t *output, void *scratch);
void ec_conv_2d_sparse_shared_linear(const ec_conv_2d_sparse_params *p, const int8_t *input, int8_t *output, void *scratch);
void ec_conv_2d_sparse_any_relu(const ec_conv_2d_sparse_params *p, const int8_t *input, int8_t *output, void *scratch);
void ec_conv_2d_sparse_any_linear(const ec_conv_2d_sparse_params *p, const int8_t *input, int8_t *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
