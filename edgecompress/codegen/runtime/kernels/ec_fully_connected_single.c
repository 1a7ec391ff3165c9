/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* FULLY_CONNECTED, int8, for processors that multiply one pair of numbers at a time: every input serves eight outputs.
 * Reads a row of inputs again for every eight outputs. */
#include "ec_fully_connected_single.h"

#include "ec_dot_1x8.h"
#include "ec_dot_rows.h"

enum { OUTPUTS = 8 };

/* What the weights' offset adds to every sum, negated. */
static uint32_t correction(const int8_t *input, int32_t count) {
    int32_t sum = 0;
    for (int32_t i = 0; i < count; ++i) {
        sum += input[i];
    }
    return (uint32_t)sum * (uint32_t)-128;
}

/* `count` outputs from `first` on, from their sums of products. */
__attribute__((noinline)) static void requantize(const ec_ramps *r, int32_t first, int32_t count, const uint32_t *sums,
                                                 int8_t *output) {
    const int32_t *starts = r->starts + first, *ramp = r->ramps + first * r->step;
    const int32_t kind = r->kind, shift = r->shift, step = r->step;
    for (int32_t i = 0; i < count; ++i, ramp += step) {
        const uint32_t sum = sums[i] + (uint32_t)starts[i];
        output[i] = kind == EC_EXACT ? ec_ramp_output(r, first + i, sum) : ec_ramp_requantize(ramp, kind, shift, sum);
    }
}

void ec_fully_connected_single(const ec_fully_connected_single_params *p, const int8_t *input, int8_t *output) {
    for (int32_t row = 0; row < p->rows; ++row, input += p->inputs, output += p->out_pitch) {
        const uint32_t start = correction(input, p->inputs);
        const uint8_t *weights = (const uint8_t *)p->weights;
        int32_t first = 0;
        for (; first <= p->outputs - OUTPUTS; first += OUTPUTS, weights += OUTPUTS * p->inputs) {
            uint32_t sums[OUTPUTS] = {start, start, start, start, start, start, start, start};
            ec_dot_1x8(weights, input, p->inputs, sums);
            requantize(&p->ramps, first, OUTPUTS, sums, output + first);
        }
        for (; first < p->outputs; ++first) {
            uint32_t sum = start;
            for (int32_t i = 0; i < p->inputs; ++i) {
                sum += (uint32_t)(*weights++ * input[i]);
            }
            requantize(&p->ramps, first, 1, &sum, output + first);
        }
    }
}

void ec_fully_connected_single_rows(const ec_fully_connected_single_params *p, const int8_t *input, int8_t *output) {
    for (int32_t row = 0; row < p->rows; ++row, input += p->inputs, output += p->out_pitch) {
        const int8_t *weights = (const int8_t *)p->weights;
        uint32_t sums[EC_DOT_ROWS];
        int32_t first = 0;
        for (; first <= p->outputs - EC_DOT_ROWS; first += EC_DOT_ROWS, weights += EC_DOT_ROWS * p->inputs) {
            ec_dot_rows(weights, input, p->inputs, sums);
            requantize(&p->ramps, first, EC_DOT_ROWS, sums, output + first);
        }
        for (; first < p->outputs; ++first) {
            uint32_t sum = 0;
            for (int32_t i = 0; i < p->inputs; ++i) {
                sum += (uint32_t)(*weights++ * input[i]);
            }
            requantize(&p->ramps, first, 1, &sum, output + first);
        }
    }
}
