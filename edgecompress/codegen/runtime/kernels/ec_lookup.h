/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_LOOKUP_H
#define EC_LOOKUP_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t elements;
    const uint8_t *table; /* [256], by the input's byte read as unsigned */
} ec_lookup_params;

/* Any element-wise function of one byte; the pointers are to int8_t or uint8_t. */
void ec_lookup(const ec_lookup_params *p, const void *input, void *output);

#ifdef __cplusplus
}
#endif

#endif
