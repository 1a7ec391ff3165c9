/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* The inner product of fully connected layers: one row of inputs times four outputs. */
#ifndef EC_DOT_1X4_H
#define EC_DOT_1X4_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* sums[output] += the sum of input * weight.
 *
 * weights: for every four inputs, 16 bytes: inputs 0 and 2 of outputs 0 and 1 side by side, of outputs 2 and 3, then
 *          inputs 1 and 3 likewise
 * count:   of inputs, a positive multiple of 4 */
void ec_dot_1x4(const int8_t *weights, const int8_t *input, int32_t count, uint32_t sums[4]);

#ifdef __cplusplus
}
#endif

#endif
