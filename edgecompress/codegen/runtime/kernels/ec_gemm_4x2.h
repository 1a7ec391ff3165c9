/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* The inner product that convolutions spend their time in: four pixels times two output channels. */
#ifndef EC_GEMM_4X2_H
#define EC_GEMM_4X2_H

#include "ec_quick_requantization.h"

#ifdef __cplusplus
extern "C" {
#endif

/* sums[2 * pixel + channel] += the sum of input * weight.
 *
 * strip:   for every pair of inputs, four words: that pair of each pixel
 * weights: for every pair, four bytes: first input for channel 0 and 1, second input for channel 0 and 1
 * pairs:   an even number, at least 2 */
void ec_gemm_4x2(const uint32_t *strip, const int8_t *weights, int32_t pairs, uint32_t sums[8]);

/* Two output channels of four pixels: where they start, where they go. */
typedef struct {
    ec_quick_channel channels[2];
    int32_t offset; /* added last, then saturated to int8: layers without a narrower range of activations */
    uint32_t bias[2];
    int8_t *output; /* channel 0 of the first pixel, channel 1 behind it */
    int32_t stride; /* from pixel to pixel */
} ec_gemm_4x2_outputs;

/* The same product, requantized and stored. */
void ec_gemm_4x2_int8(const uint32_t *strip, const int8_t *weights, int32_t pairs, const ec_gemm_4x2_outputs *to);

#ifdef __cplusplus
}
#endif

#endif
