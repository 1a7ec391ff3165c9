/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_CONV_2D_JOINT_H
#define EC_CONV_2D_JOINT_H

#include "ec_gemm_joint.h"
#include "ec_strip.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    ec_strip_params strip;
    int32_t out_channels;       /* of 1 the one before the first is computed, too: its weights and scalings come first */
    int32_t out_pitch;          /* from pixel to pixel of the output */
    const int8_t *weights;      /* by pairs of output channels, in the order of ec_gemm_joint; of an odd number the last two are a pair again */
    const int32_t *scalings; /* ec_scaling, likewise */
    int32_t output_zero_point;
} ec_conv_2d_joint_params;

/* scratch: as ec_strip_fill. The relu form is for layers whose zero point and smallest output are -128. */
void ec_conv_2d_joint_relu(const ec_conv_2d_joint_params *p, const int8_t *input, int8_t *output, void *scratch);
void ec_conv_2d_joint_linear(const ec_conv_2d_joint_params *p, const int8_t *input, int8_t *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
