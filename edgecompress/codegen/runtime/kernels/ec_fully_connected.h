/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_FULLY_CONNECTED_H
#define EC_FULLY_CONNECTED_H

#include "ec_requantization.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t rows;          /* of the input and of the output */
    int32_t inputs;
    int32_t outputs;       /* that are computed */
    int32_t out_pitch;     /* from row to row of the output */
    int32_t input_offset;  /* minus the input's zero point */
    int32_t weight_offset; /* added to every weight */
    const int8_t *weights; /* [outputs][inputs] */
    const int32_t *bias;   /* [outputs] */
    ec_requantization requantization;
} ec_fully_connected_params;

void ec_fully_connected(const ec_fully_connected_params *p, const int8_t *input, int8_t *output);

#ifdef __cplusplus
}
#endif

#endif
