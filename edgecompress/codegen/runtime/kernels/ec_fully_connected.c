/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* FULLY_CONNECTED, int8: one output value at a time. The plain form that every faster variant is tested against. */
#include "ec_fully_connected.h"

void ec_fully_connected(const ec_fully_connected_params *p, const int8_t *input, int8_t *output) {
    const int32_t offset = p->input_offset;
    const int32_t weight_offset = p->weight_offset;
    for (int32_t row = 0; row < p->rows; ++row) {
        const int8_t *weights = p->weights;
        for (int32_t channel = 0; channel < p->outputs; ++channel) {
            uint32_t sum = (uint32_t)p->bias[channel];
            for (int32_t i = 0; i < p->inputs; ++i) {
                sum += (uint32_t)((weights[i] + weight_offset) * (input[i] + offset));
            }
            output[channel] = ec_requantize(&p->requantization, sum, channel);
            weights += p->inputs;
        }
        input += p->inputs;
        output += p->out_pitch;
    }
}
