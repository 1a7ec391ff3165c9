/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_MAXIMUM_H
#define EC_MAXIMUM_H

#include "ec_broadcast.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    ec_broadcast loops;
} ec_maximum_params;

void ec_maximum(const ec_maximum_params *p, const int8_t *a, const int8_t *b, int8_t *output);
void ec_minimum(const ec_maximum_params *p, const int8_t *a, const int8_t *b, int8_t *output);

/* Of 16 bits. */
void ec_maximum_s16(const ec_maximum_params *p, const int16_t *a, const int16_t *b, int16_t *output);
void ec_minimum_s16(const ec_maximum_params *p, const int16_t *a, const int16_t *b, int16_t *output);

#ifdef __cplusplus
}
#endif

#endif
