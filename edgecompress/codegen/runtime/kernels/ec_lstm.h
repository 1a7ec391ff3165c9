/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_LSTM_H
#define EC_LSTM_H

#include "ec_lstm_cells.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t batches;
    int32_t steps; /* in time */
    int32_t inputs;
    int32_t units;
    int32_t batch_pitch; /* rows of the input and the output from one batch to the next */
    int32_t step_pitch;  /* and from one point in time to the next */
    int32_t hidden_zero_point;
    const int8_t *weights;   /* [4][units][inputs]: forget, input, cell, output */
    const int8_t *recurrent; /* [4][units][units] */
    const int32_t *bias;     /* [4][units], less the input's zero point times the sum of the weights */
    const int32_t *recurrent_bias; /* [4][units]: minus the state's zero point times the sum of the weights */
    const int32_t *multipliers; /* of the weights' sums [4] and the recurrent ones [4] */
    const int8_t *shifts;
    ec_lstm_cells cells;
} ec_lstm_params;

/* Input and output are rows of [inputs] and [units]; both states are [batches][units], and are changed. */
void ec_lstm(const ec_lstm_params *p, const int8_t *input, int8_t *hidden, int16_t *cells, int8_t *output);

#ifdef __cplusplus
}
#endif

#endif
