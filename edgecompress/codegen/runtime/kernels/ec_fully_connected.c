/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* FULLY_CONNECTED, int8: one output value at a time. The plain form that every faster variant is tested against. */
#include "ec_fully_connected.h"

#include "ec_dot_pairs.h"

void ec_fully_connected(const ec_fully_connected_params *p, const int8_t *input, int8_t *output) {
    for (int32_t row = 0; row < p->rows; ++row) {
        const int8_t *weights = p->weights;
        for (int32_t channel = 0; channel < p->outputs; ++channel) {
            const uint32_t bias = (uint32_t)p->bias[channel];
            const uint32_t sum = ec_dot_offset_bytes(weights, p->weight_offset, input, p->input_offset, p->inputs, bias);
            output[channel] = ec_requantize(&p->requantization, sum, channel);
            weights += p->inputs;
        }
        input += p->inputs;
        output += p->out_pitch;
    }
}
