/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_FULLY_CONNECTED_DSP_H
#define EC_FULLY_CONNECTED_DSP_H

#include "ec_requantization.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t rows;          /* of the input and of the output */
    int32_t inputs;        /* a multiple of 4 */
    int32_t outputs;       /* the weights are padded to a multiple of 4 */
    const int8_t *weights; /* by four outputs, in the order of ec_dot_1x4 */
    const int32_t *bias;   /* [outputs], holds what the input's zero point adds */
    ec_requantization requantization;
} ec_fully_connected_dsp_params;

void ec_fully_connected_dsp(const ec_fully_connected_dsp_params *p, const int8_t *input, int8_t *output);

#ifdef __cplusplus
}
#endif

#endif
