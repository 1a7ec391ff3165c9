/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* Loops over activations of 8 or of 16 bits: the width is a constant where these are inlined. */
#ifndef EC_VALUES_H
#define EC_VALUES_H

#include <stdint.h>

enum { EC_S8 = 1, EC_S16 = 2 };

__attribute__((always_inline)) static inline int32_t ec_value(const void *values, int32_t index, int32_t bytes) {
    return bytes == EC_S8 ? ((const int8_t *)values)[index] : ((const int16_t *)values)[index];
}

__attribute__((always_inline)) static inline void ec_set_value(void *values, int32_t index, int32_t bytes, int32_t value) {
    if (bytes == EC_S8) {
        ((int8_t *)values)[index] = (int8_t)value;
    } else {
        ((int16_t *)values)[index] = (int16_t)value;
    }
}

#endif
