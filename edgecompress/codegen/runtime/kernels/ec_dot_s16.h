/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* Inner products of int8 weights and int16 values, in 64 bits. */
#ifndef EC_DOT_S16_H
#define EC_DOT_S16_H

#include <stdint.h>

static inline int64_t ec_dot_s16(const int8_t *weights, const int16_t *values, int32_t count, int64_t sum) {
    for (int32_t i = 0; i < count; ++i) {
        sum += weights[i] * values[i];
    }
    return sum;
}

#endif
