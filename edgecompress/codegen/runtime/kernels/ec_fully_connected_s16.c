/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* FULLY_CONNECTED, int16 with weights of int8: one output value at a time, its sum in 64 bits. */
#include "ec_fully_connected_s16.h"

#include "ec_dot_s16.h"

void ec_fully_connected_s16(const ec_fully_connected_s16_params *p, const int16_t *input, int16_t *output) {
    for (int32_t row = 0; row < p->rows; ++row, input += p->inputs, output += p->out_pitch) {
        const int8_t *weights = p->weights;
        for (int32_t channel = 0; channel < p->outputs; ++channel, weights += p->inputs) {
            const int64_t sum = ec_dot_s16(weights, input, p->inputs, p->bias[channel]);
            output[channel] = ec_requantize_s16(&p->requantization, sum, channel);
        }
    }
}
