/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* Products of 16-bit numbers: four columns times two rows, many times. */
#ifndef EC_GEMM_WIDE_H
#define EC_GEMM_WIDE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* For each of `count` products, one behind the other: sums[2 * column + row] = the sum of input * weight.
 *
 * inputs:  for every pair of inputs four words: that pair of each column
 * weights: for every pair two words: that pair of both rows
 * pairs:   at least 1
 * sums:    eight of each product */
void ec_gemm_wide(const uint32_t *inputs, const uint32_t *weights, int32_t pairs, int32_t *sums, int32_t count);

#ifdef __cplusplus
}
#endif

#endif
