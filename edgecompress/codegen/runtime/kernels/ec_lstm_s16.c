/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* UNIDIRECTIONAL_SEQUENCE_LSTM, int16 with weights of int8: one unit after the other, its sums in 64 bits. Its hidden state is
 * written when all units of a point in time have been computed; until then it waits in the output. */
#include "ec_lstm_s16.h"

#include "ec_dot_s16.h"

static int32_t scaled(const ec_lstm_s16_params *p, int64_t sum, int32_t which) {
    return ec_multiply_by_reduced_multiplier(sum, p->multipliers[which], p->shifts[which]);
}

static int32_t gate(const ec_lstm_s16_params *p, const int16_t *input, const int16_t *hidden, int32_t which, int32_t unit) {
    const int32_t row = which * p->units + unit;
    const int64_t now = ec_dot_s16(p->weights + row * p->inputs, input, p->inputs, p->bias[row]);
    const int64_t past = ec_dot_s16(p->recurrent + row * p->units, hidden, p->units, 0);
    return ec_lstm_gate(&p->cells, which, scaled(p, now, which), scaled(p, past, EC_GATES + which));
}

static void step(const ec_lstm_s16_params *p, const int16_t *input, int16_t *hidden, int16_t *cells, int16_t *output) {
    for (int32_t unit = 0; unit < p->units; ++unit) {
        int32_t gates[EC_GATES];
        for (int32_t which = 0; which < EC_GATES; ++which) {
            gates[which] = gate(p, input, hidden, which, unit);
        }
        cells[unit] = ec_lstm_new_cell(&p->cells, cells[unit], gates);
        output[unit] = (int16_t)ec_to_int16(ec_lstm_output(&p->cells, cells[unit], gates));
    }
    for (int32_t unit = 0; unit < p->units; ++unit) {
        hidden[unit] = output[unit];
    }
}

void ec_lstm_s16(const ec_lstm_s16_params *p, const int16_t *input, int16_t *hidden, int16_t *cells, int16_t *output) {
    for (int32_t batch = 0; batch < p->batches; ++batch, hidden += p->units, cells += p->units) {
        for (int32_t time = 0; time < p->steps; ++time) {
            const int32_t row = batch * p->batch_pitch + time * p->step_pitch;
            step(p, input + row * p->inputs, hidden, cells, output + row * p->units);
        }
    }
}
