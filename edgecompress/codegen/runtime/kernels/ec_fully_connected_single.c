/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* FULLY_CONNECTED, int8, for processors that multiply one pair of numbers at a time: every input serves eight outputs.
 * Reads a row of inputs again for every eight outputs. */
#include "ec_fully_connected_single.h"

#include "ec_dot_1x8.h"

enum { OUTPUTS = 8 };

/* What the weights' offset adds to every sum, negated. */
static uint32_t correction(const int8_t *input, int32_t count) {
    int32_t sum = 0;
    for (int32_t i = 0; i < count; ++i) {
        sum += input[i];
    }
    return (uint32_t)sum * (uint32_t)-128;
}

void ec_fully_connected_single(const ec_fully_connected_single_params *p, const int8_t *input, int8_t *output) {
    for (int32_t row = 0; row < p->rows; ++row, input += p->inputs) {
        const uint32_t start = correction(input, p->inputs);
        const uint8_t *weights = p->weights;
        int32_t first = 0;
        for (; first <= p->outputs - OUTPUTS; first += OUTPUTS, weights += OUTPUTS * p->inputs) {
            uint32_t sums[OUTPUTS] = {start, start, start, start, start, start, start, start};
            ec_dot_1x8(weights, input, p->inputs, sums);
            for (int32_t i = 0; i < OUTPUTS; ++i) {
                *output++ = ec_ramp_output(&p->ramps, first + i, sums[i] + (uint32_t)p->ramps.starts[first + i]);
            }
        }
        for (; first < p->outputs; ++first) {
            uint32_t sum = start + (uint32_t)p->ramps.starts[first];
            for (int32_t i = 0; i < p->inputs; ++i) {
                sum += (uint32_t)(*weights++ * input[i]);
            }
            *output++ = ec_ramp_output(&p->ramps, first, sum);
        }
    }
}
