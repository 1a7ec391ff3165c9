/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* Element-wise operators of two inputs, of which either may repeat. */
#ifndef EC_BROADCAST_H
#define EC_BROADCAST_H

#include <stdint.h>

typedef struct {
    int32_t sizes[4];     /* of the loops over the output, outermost first */
    int32_t strides_a[4]; /* 0 where the operand repeats */
    int32_t strides_b[4];
} ec_broadcast;

/* What a kernel makes of two values with its parameters p. */
typedef int8_t (*ec_pair_function)(const void *p, int32_t a, int32_t b);

/* Inlined into every kernel, and its function with it. */
__attribute__((always_inline)) static inline void ec_for_each_pair(
    const ec_broadcast *loops, const int8_t *a, const int8_t *b, int8_t *output, ec_pair_function of, const void *p
) {
    for (int32_t i = 0; i < loops->sizes[0]; ++i) {
        for (int32_t j = 0; j < loops->sizes[1]; ++j) {
            for (int32_t k = 0; k < loops->sizes[2]; ++k) {
                const int8_t *row_a = a + i * loops->strides_a[0] + j * loops->strides_a[1] + k * loops->strides_a[2];
                const int8_t *row_b = b + i * loops->strides_b[0] + j * loops->strides_b[1] + k * loops->strides_b[2];
                for (int32_t l = 0; l < loops->sizes[3]; ++l) {
                    *output++ = of(p, row_a[l * loops->strides_a[3]], row_b[l * loops->strides_b[3]]);
                }
            }
        }
    }
}

#endif
