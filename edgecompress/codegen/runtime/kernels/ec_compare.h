/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_COMPARE_H
#define EC_COMPARE_H

#include "ec_broadcast.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    ec_broadcast loops;
    int32_t offset_a; /* minus the zero point; of int8 only, as what follows */
    int32_t multiplier_a;
    int32_t shift_a;
    int32_t offset_b;
    int32_t multiplier_b;
    int32_t shift_b;
    int32_t outcomes; /* bits: what is said where a is less, equal, greater */
} ec_compare_params;

/* Of int8 values times their scales. */
void ec_compare(const ec_compare_params *p, const int8_t *a, const int8_t *b, uint8_t *output);
/* Of int32 values. */
void ec_compare_int32(const ec_compare_params *p, const int32_t *a, const int32_t *b, uint8_t *output);

#ifdef __cplusplus
}
#endif

#endif
