/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* The inner product that convolutions spend their time in: four pixels times two output channels. */
#ifndef EC_GEMM_4X2_H
#define EC_GEMM_4X2_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* sums[2 * pixel + channel] += the sum of input * weight.
 *
 * strip:   for every pair of inputs, four words: that pair of each pixel
 * weights: for every pair, four bytes: first input for channel 0 and 1, second input for channel 0 and 1
 * pairs:   an even number, at least 2 */
void ec_gemm_4x2(const uint32_t *strip, const int8_t *weights, int32_t pairs, uint32_t sums[8]);

#ifdef __cplusplus
}
#endif

#endif
