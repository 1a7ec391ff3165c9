/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_DOT_ROWS_H
#define EC_DOT_ROWS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { EC_DOT_ROWS = 4 };

/* Sums of weights[o][i] * input[i]: one row of inputs times four outputs, for processors that multiply one pair of numbers at a
 * time. count: at least 1 */
void ec_dot_rows(const int8_t *weights, const int8_t *input, int32_t count, uint32_t sums[EC_DOT_ROWS]);

#ifdef __cplusplus
}
#endif

#endif
