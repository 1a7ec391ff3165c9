/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_SOFTMAX_16_H
#define EC_SOFTMAX_16_H

#include "ec_fixed_point.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t rows;
    int32_t depth; /* entries of a row */
    int32_t multiplier; /* of differences to the row's maximum: -65535 is -10 */
    int32_t shift;
    const int16_t *exponentials; /* [513], from -10 to 0 */
    const int16_t *reciprocals;  /* [513], of 1 + x, x from 0 to 1 */
} ec_softmax_16_params;

void ec_softmax_16(const ec_softmax_16_params *p, const int16_t *input, int16_t *output);

#ifdef __cplusplus
}
#endif

#endif
