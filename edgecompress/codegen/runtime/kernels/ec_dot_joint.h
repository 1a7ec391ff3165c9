/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* The inner product that fully connected layers spend their time in: one row of inputs times fours of outputs, whose weights share
 * halfwords by twos (ec_gemm_joint.h). */
#ifndef EC_DOT_JOINT_H
#define EC_DOT_JOINT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* twice[output] = twice the sum of input * weight.
 *
 * weights: for four outputs and four inputs four words: inputs 0 and 2 for outputs 0 and 1, for outputs 2 and 3, then inputs 1
 *          and 3 likewise
 * count:   of inputs, a multiple of 4, at least 4
 * fours:   of outputs, at least 1 */
void ec_dot_joint(const int8_t *weights, const int8_t *input, int32_t count, int32_t *twice, int32_t fours);

#ifdef __cplusplus
}
#endif

#endif
