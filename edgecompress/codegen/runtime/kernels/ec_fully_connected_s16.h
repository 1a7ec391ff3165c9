/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_FULLY_CONNECTED_S16_H
#define EC_FULLY_CONNECTED_S16_H

#include "ec_requantization_s16.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t rows;          /* of the input and of the output */
    int32_t inputs;
    int32_t outputs;       /* that are computed */
    int32_t out_pitch;     /* from row to row of the output */
    const int8_t *weights; /* [outputs][inputs] */
    const int64_t *bias;   /* [outputs] */
    ec_requantization_s16 requantization;
} ec_fully_connected_s16_params;

void ec_fully_connected_s16(const ec_fully_connected_s16_params *p, const int16_t *input, int16_t *output);

#ifdef __cplusplus
}
#endif

#endif
