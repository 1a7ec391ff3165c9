/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_DOT_1X8_H
#define EC_DOT_1X8_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* sums[o] += (weights[i][o] - 128) * input[i], plus 128 * input[i] too much: one row of inputs times eight outputs.
 *
 * weights: [count][8], 128 added, since ARMv6-M loads a signed byte only with an index, and an unsigned one without. */
void ec_dot_1x8(const uint8_t *weights, const int8_t *input, int32_t count, uint32_t sums[8]);

#ifdef __cplusplus
}
#endif

#endif
