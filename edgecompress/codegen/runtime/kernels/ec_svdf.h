/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_SVDF_H
#define EC_SVDF_H

#include "ec_requantization.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t batches;
    int32_t inputs;
    int32_t filters;
    int32_t rank;   /* filters of an output */
    int32_t memory; /* inferences that a filter remembers, the current one among them */
    int32_t state_min;
    int32_t state_max;
    const int8_t *features; /* [filters][inputs] */
    const int32_t *feature_bias; /* [filters]: minus the input's zero point times the sum of the weights */
    const void *time;       /* [filters][memory], of the state's type */
    const int32_t *bias;    /* [filters / rank] */
    ec_requantization requantization; /* two: to the state, and to the output */
} ec_svdf_params;

/* The state is [batches][filters][memory], the oldest first; a batch's input is read before its output is written. */
void ec_svdf_s8(const ec_svdf_params *p, const int8_t *input, int8_t *state, int8_t *output);
void ec_svdf_s16(const ec_svdf_params *p, const int8_t *input, int16_t *state, int8_t *output);

#ifdef __cplusplus
}
#endif

#endif
