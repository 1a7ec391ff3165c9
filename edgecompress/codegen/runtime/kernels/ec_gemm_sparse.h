/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* Eight pixels times output channels whose weights are lists of those that are not zero; requantized and stored.
 *
 * The list of an output: three bytes, of which 10 bits are the number of entries, the lowest first, and 14 minus the sum of
 * their weights; then the entries. An entry passes over some inputs, `gap`, and stands for the next one.
 * shared: a byte, gap * 16 + the place of the weight in a table of 16
 * any:    two bytes, gap and weight
 *
 * A halfword of the lanes is 256 * b + a, of which a product with a weight sums up 256 * w * b + w * a without any widening; only
 * a is ever taken out. The difference of both sums is 256 * sum(w * b) modulo 2^32, so it is exact while that sum stays
 * within 2^23 - 1. All sums begin at -128 times the sum of the weights, because a is 128 too large. */
#ifndef EC_GEMM_SPARSE_H
#define EC_GEMM_SPARSE_H

#include "ec_scaling.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    const uint8_t *lists; /* one behind the other, then a byte that is read and not used */
    const int32_t *scalings; /* ec_scaling of the first output channel */
    int8_t *output;       /* the first channel of the first pixel */
    int32_t stride;       /* from pixel to pixel */
    int32_t outputs;      /* at least 1 */
    int32_t pixels;       /* 1 to 8: those that are stored */
    int32_t zero_point;   /* of the output */
    const int8_t *values; /* the 16 weights of the shared form */
} ec_gemm_sparse;

/* lanes: ec_lanes.h. The relu form is for a zero point of -128. */
void ec_gemm_sparse_shared_relu(const uint32_t *lanes, const ec_gemm_sparse *job);
void ec_gemm_sparse_shared_linear(const uint32_t *lanes, const ec_gemm_sparse *job);
void ec_gemm_sparse_any_relu(const uint32_t *lanes, const ec_gemm_sparse *job);
void ec_gemm_sparse_any_linear(const uint32_t *lanes, const ec_gemm_sparse *job);

#ifdef __cplusplus
}
#endif

#endif
