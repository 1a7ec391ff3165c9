/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* Element-wise operators of two inputs, of which either may repeat. */
#ifndef EC_BROADCAST_H
#define EC_BROADCAST_H

#include "ec_values.h"

typedef struct {
    int32_t sizes[4];     /* of the loops over the output, outermost first */
    int32_t strides_a[4]; /* 0 where the operand repeats */
    int32_t strides_b[4];
} ec_broadcast;

/* What a kernel makes of two values with its parameters p. */
typedef int32_t (*ec_pair_function)(const void *p, int32_t a, int32_t b);

/* Inlined into every kernel, and its function with it. */
__attribute__((always_inline)) static inline void ec_for_each_pair_of(
    int32_t bytes, const ec_broadcast *loops, const void *a, const void *b, void *output, ec_pair_function of, const void *p
) {
    int32_t place = 0;
    for (int32_t i = 0; i < loops->sizes[0]; ++i) {
        for (int32_t j = 0; j < loops->sizes[1]; ++j) {
            for (int32_t k = 0; k < loops->sizes[2]; ++k) {
                const int32_t row_a = i * loops->strides_a[0] + j * loops->strides_a[1] + k * loops->strides_a[2];
                const int32_t row_b = i * loops->strides_b[0] + j * loops->strides_b[1] + k * loops->strides_b[2];
                for (int32_t l = 0; l < loops->sizes[3]; ++l) {
                    const int32_t x = ec_value(a, row_a + l * loops->strides_a[3], bytes);
                    const int32_t y = ec_value(b, row_b + l * loops->strides_b[3], bytes);
                    ec_set_value(output, place++, bytes, of(p, x, y));
                }
            }
        }
    }
}

__attribute__((always_inline)) static inline void ec_for_each_pair(
    const ec_broadcast *loops, const int8_t *a, const int8_t *b, int8_t *output, ec_pair_function of, const void *p
) {
    ec_for_each_pair_of(EC_S8, loops, a, b, output, of, p);
}

__attribute__((always_inline)) static inline void ec_for_each_pair_s16(
    const ec_broadcast *loops, const int16_t *a, const int16_t *b, int16_t *output, ec_pair_function of, const void *p
) {
    ec_for_each_pair_of(EC_S16, loops, a, b, output, of, p);
}

#endif
