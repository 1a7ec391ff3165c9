/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_FULLY_CONNECTED_SINGLE_H
#define EC_FULLY_CONNECTED_SINGLE_H

#include "ec_ramp_requantization.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t rows;
    int32_t inputs;
    int32_t outputs;
    int32_t out_pitch;      /* from row to row of the output */
    const void *weights;    /* uint8_t, 128 added; by eight outputs [inputs][8], then [rest][inputs] */
    ec_ramps ramps;
} ec_fully_connected_single_params;

/* The first form takes its weights as above, the second as int8_t [outputs][inputs]. */
void ec_fully_connected_single(const ec_fully_connected_single_params *p, const int8_t *input, int8_t *output);
void ec_fully_connected_single_rows(const ec_fully_connected_single_params *p, const int8_t *input, int8_t *output);

#ifdef __cplusplus
}
#endif

#endif
