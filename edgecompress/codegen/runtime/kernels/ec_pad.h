/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_PAD_H
#define EC_PAD_H

#include "ec_values.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t sizes[4]; /* of the input */
    int32_t before[4];
    int32_t after[4];
    int32_t fill;
} ec_pad_params;

void ec_pad(const ec_pad_params *p, const int8_t *input, int8_t *output);
void ec_pad_s16(const ec_pad_params *p, const int16_t *input, int16_t *output);

#ifdef __cplusplus
}
#endif

#endif
