/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* UNIDIRECTIONAL_SEQUENCE_LSTM, int8 with int16 cells: one unit after the other. Its hidden state is written when all units of a
 * point in time have been computed; until then it waits in the output. */
#include "ec_lstm.h"

#include "ec_dot_pairs.h"

static int32_t scaled(const ec_lstm_params *p, uint32_t sum, int32_t which) {
    return ec_multiply_by_quantized_multiplier((int32_t)sum, p->multipliers[which], p->shifts[which]);
}

static int32_t gate(const ec_lstm_params *p, const int8_t *input, const int8_t *hidden, int32_t which, int32_t unit) {
    const int32_t row = which * p->units + unit;
    const int8_t *weights = p->weights + row * p->inputs, *recurrent = p->recurrent + row * p->units;
    const uint32_t now = ec_dot_bytes(weights, input, p->inputs, (uint32_t)p->bias[row]);
    const uint32_t past = ec_dot_bytes(recurrent, hidden, p->units, (uint32_t)p->recurrent_bias[row]);
    return ec_lstm_gate(&p->cells, which, scaled(p, now, which), scaled(p, past, EC_GATES + which));
}

static void step(const ec_lstm_params *p, const int8_t *input, int8_t *hidden, int16_t *cells, int8_t *output) {
    for (int32_t unit = 0; unit < p->units; ++unit) {
        int32_t gates[EC_GATES];
        for (int32_t which = 0; which < EC_GATES; ++which) {
            gates[which] = gate(p, input, hidden, which, unit);
        }
        cells[unit] = ec_lstm_new_cell(&p->cells, cells[unit], gates);
        const uint32_t value = (uint32_t)ec_lstm_output(&p->cells, cells[unit], gates) + (uint32_t)p->hidden_zero_point;
        output[unit] = (int8_t)ec_clamp((int32_t)value, INT8_MIN, INT8_MAX);
    }
    for (int32_t unit = 0; unit < p->units; ++unit) {
        hidden[unit] = output[unit];
    }
}

void ec_lstm(const ec_lstm_params *p, const int8_t *input, int8_t *hidden, int16_t *cells, int8_t *output) {
    for (int32_t batch = 0; batch < p->batches; ++batch, hidden += p->units, cells += p->units) {
        for (int32_t time = 0; time < p->steps; ++time) {
            const int32_t row = batch * p->batch_pitch + time * p->step_pitch;
            step(p, input + row * p->inputs, hidden, cells, output + row * p->units);
        }
    }
}
