/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* The product that convolutions spend their time in: four pixels times pairs of output channels, requantized and stored.
 *
 * The weights a and b of a pair of channels share a halfword as 256 * b + a. A dual multiplication by these halfwords sums up
 * 256 * sum(b * x) + sum(a * x) without any widening; only a is widened. The difference of both sums is 256 * sum(b * x) modulo
 * 2^32, so it is exact while that sum stays within 2^23 - 1. */
#ifndef EC_GEMM_JOINT_H
#define EC_GEMM_JOINT_H

#include "ec_scaling.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    const int8_t *weights;      /* by channel pair, then input pair: the halfwords of its first and of its second input */
    const int32_t *scalings; /* ec_scaling of the first channel */
    int8_t *output;             /* the first channel of the first pixel */
    int32_t stride;             /* from pixel to pixel */
    int32_t channel_pairs;      /* at least 1 */
    int32_t input_pairs;        /* at least 2 */
    int32_t zero_point;         /* of the output */
} ec_gemm_joint;

/* strip: for every pair of inputs four words, that pair of each pixel (ec_strip.h). The relu form is for a zero point of -128. */
void ec_gemm_joint_relu(const uint32_t *strip, const ec_gemm_joint *job);
void ec_gemm_joint_linear(const uint32_t *strip, const ec_gemm_joint *job);

/* The same for the first pixel alone. */
void ec_gemm_joint_one_relu(const uint32_t *strip, const ec_gemm_joint *job);
void ec_gemm_joint_one_linear(const uint32_t *strip, const ec_gemm_joint *job);

#ifdef __cplusplus
}
#endif

#endif
