/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_FULLY_CONNECTED_SPARSE_H
#define EC_FULLY_CONNECTED_SPARSE_H

#include "ec_scaling.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t rows; /* of the input and of the output */
    int32_t inputs;
    int32_t outputs;
    const uint8_t *lists;    /* of every output: ec_gemm_sparse.h */
    const int8_t *values;    /* 16, of the shared form; else 0 */
    const int32_t *bias;     /* [outputs] where all share one scaling; 0: it is in the scalings */
    const int32_t *scalings; /* ec_scaling of every output, or one of all */
    int32_t output_zero_point;
    int32_t activation_min;
    int32_t activation_max;
} ec_fully_connected_sparse_params;

void ec_fully_connected_sparse_shared(const ec_fully_connected_sparse_params *p, const int8_t *input, int8_t *output);
void ec_fully_connected_sparse_any(const ec_fully_connected_sparse_params *p, const int8_t *input, int8_t *output);

#ifdef __cplusplus
}
#endif

#endif
