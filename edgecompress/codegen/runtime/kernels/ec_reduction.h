/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* Operators that make one value of all along some axes. */
#ifndef EC_REDUCTION_H
#define EC_REDUCTION_H

#include "ec_values.h"

typedef struct {
    int32_t kept_sizes[4]; /* loops over the output, outermost first */
    int32_t kept_strides[4];
    int32_t reduced_sizes[4]; /* loops over what becomes one value */
    int32_t reduced_strides[4];
} ec_reduction;

/* What a kernel makes of what it has and one value more. */
typedef int32_t (*ec_fold_function)(int32_t folded, int32_t value);
/* The output from all values folded. */
typedef int32_t (*ec_finish_function)(const void *p, int32_t folded);

__attribute__((always_inline)) static inline int32_t
ec_fold(int32_t bytes, const ec_reduction *r, const void *input, int32_t start, int32_t folded, ec_fold_function fold) {
    for (int32_t i = 0; i < r->reduced_sizes[0]; ++i) {
        for (int32_t j = 0; j < r->reduced_sizes[1]; ++j) {
            for (int32_t k = 0; k < r->reduced_sizes[2]; ++k) {
                const int32_t x = start + i * r->reduced_strides[0] + j * r->reduced_strides[1] + k * r->reduced_strides[2];
                for (int32_t l = 0; l < r->reduced_sizes[3]; ++l) {
                    folded = fold(folded, ec_value(input, x + l * r->reduced_strides[3], bytes));
                }
            }
        }
    }
    return folded;
}

/* Inlined into every kernel, and its functions with it. */
__attribute__((always_inline)) static inline void ec_reduce(
    int32_t bytes, const ec_reduction *r, const void *input, void *output, int32_t first, ec_fold_function fold,
    ec_finish_function finish, const void *p
) {
    int32_t place = 0;
    for (int32_t i = 0; i < r->kept_sizes[0]; ++i) {
        for (int32_t j = 0; j < r->kept_sizes[1]; ++j) {
            for (int32_t k = 0; k < r->kept_sizes[2]; ++k) {
                const int32_t x = i * r->kept_strides[0] + j * r->kept_strides[1] + k * r->kept_strides[2];
                for (int32_t l = 0; l < r->kept_sizes[3]; ++l) {
                    const int32_t folded = ec_fold(bytes, r, input, x + l * r->kept_strides[3], first, fold);
                    ec_set_value(output, place++, bytes, finish(p, folded));
                }
            }
        }
    }
}

#endif
