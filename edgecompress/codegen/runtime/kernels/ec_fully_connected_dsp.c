/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* FULLY_CONNECTED, int8, for processors with dual 16-bit multiplication: every widened input serves four outputs. */
#include "ec_fully_connected_dsp.h"

#include "ec_dot_1x4.h"
#include "ec_quick_requantization.h"

enum { OUTPUTS = 4 };

/* `count` outputs from `first` on; inlined with a constant count, its loops are gone. */
static inline void outputs_of(const ec_fully_connected_dsp_params *p, ec_quick_range range, const int8_t *input,
                              int32_t first, int32_t count, int8_t *output) {
    uint32_t sums[OUTPUTS] = {0, 0, 0, 0};
    for (int32_t i = 0; i < count; ++i) {
        sums[i] = (uint32_t)p->bias[first + i];
    }
    ec_dot_1x4(p->weights + first * p->inputs, input, p->inputs, sums);
    for (int32_t i = 0; i < count; ++i) {
        output[i] = ec_quick_requantize(range, ec_quick_channel_of(&p->requantization, first + i), sums[i]);
    }
}

void ec_fully_connected_dsp(const ec_fully_connected_dsp_params *p, const int8_t *input, int8_t *output) {
    const ec_quick_range range = ec_quick_range_of(&p->requantization);
    const int32_t rest = p->outputs % OUTPUTS;
    for (int32_t row = 0; row < p->rows; ++row, input += p->inputs, output += p->outputs) {
        int32_t first = 0;
        for (; first < p->outputs - rest; first += OUTPUTS) {
            outputs_of(p, range, input, first, OUTPUTS, output + first);
        }
        if (rest != 0) {
            outputs_of(p, range, input, first, rest, output + first);
        }
    }
}
