/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* UNIDIRECTIONAL_SEQUENCE_LSTM, int8 with int16 cells: one unit after the other. Its hidden state is written when all units of a
 * point in time have been computed; until then it waits in the output. */
#include "ec_lstm.h"

#include "ec_curves_16.h"
#include "ec_dot_pairs.h"

enum { FORGET, INPUT, CELL, OUTPUT, GATES };
enum { OF_WEIGHTS = 0, OF_RECURRENT = 4, OF_OLD_CELL = 8, OF_NEW_CELL = 9, OF_OUTPUT = 10 };

static int32_t to_int16(int32_t x) {
    return ec_clamp(x, INT16_MIN, INT16_MAX);
}

static int32_t scaled(const ec_lstm_params *p, int32_t x, int32_t which) {
    return ec_multiply_by_quantized_multiplier(x, p->multipliers[which], p->shifts[which]);
}

static int32_t gate(const ec_lstm_params *p, const int8_t *input, const int8_t *hidden, int32_t which, int32_t unit) {
    const int32_t row = which * p->units + unit;
    const int8_t *weights = p->weights + row * p->inputs, *recurrent = p->recurrent + row * p->units;
    const uint32_t now = ec_dot_bytes(weights, input, p->inputs, (uint32_t)p->bias[row]);
    const uint32_t past = ec_dot_bytes(recurrent, hidden, p->units, (uint32_t)p->recurrent_bias[row]);
    const int32_t sum =
        to_int16(scaled(p, (int32_t)now, OF_WEIGHTS + which)) + to_int16(scaled(p, (int32_t)past, OF_RECURRENT + which));
    return which == CELL ? ec_tanh_16(p->sigmoid, 3 * to_int16(sum)) : ec_sigmoid_16(p->sigmoid, 3 * to_int16(sum));
}

static int16_t new_cell(const ec_lstm_params *p, int32_t old, const int32_t *gates) {
    const int32_t kept = to_int16(scaled(p, gates[FORGET] * old, OF_OLD_CELL));
    const int32_t added = to_int16(scaled(p, gates[INPUT] * gates[CELL], OF_NEW_CELL));
    const int32_t cell = to_int16(kept + added);
    return (int16_t)(p->clip ? ec_clamp(cell, -p->clip, p->clip) : cell);
}

static void step(const ec_lstm_params *p, const int8_t *input, int8_t *hidden, int16_t *cells, int8_t *output) {
    const int32_t half = (int32_t)((UINT32_C(1) << p->tanh_shift) >> 1);
    for (int32_t unit = 0; unit < p->units; ++unit) {
        int32_t gates[GATES];
        for (int32_t which = 0; which < GATES; ++which) {
            gates[which] = gate(p, input, hidden, which, unit);
        }
        cells[unit] = new_cell(p, cells[unit], gates);
        const int32_t shown = ec_tanh_16(p->sigmoid, (cells[unit] * p->tanh_factor + half) >> p->tanh_shift);
        const int32_t value = scaled(p, shown * gates[OUTPUT], OF_OUTPUT);
        output[unit] = (int8_t)ec_clamp((int32_t)((uint32_t)value + (uint32_t)p->hidden_zero_point), INT8_MIN, INT8_MAX);
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
