/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* SVDF, int8, its state int8 or int16: one feature, then one output at a time. */
#include "ec_svdf.h"

#include "ec_dot_pairs.h"

static int32_t feature(const ec_svdf_params *p, const int8_t *input, int32_t filter) {
    const int8_t *weights = p->features + filter * p->inputs;
    const uint32_t sum = ec_dot_bytes(weights, input, p->inputs, (uint32_t)p->feature_bias[filter]);
    const ec_requantization *r = &p->requantization;
    const int32_t scaled = ec_multiply_by_quantized_multiplier((int32_t)sum, r->multipliers[0], r->shifts[0]);
    return ec_clamp(scaled, p->state_min, p->state_max);
}

static int8_t output_of(const ec_svdf_params *p, uint32_t sum) {
    const ec_requantization *r = &p->requantization;
    const int32_t scaled = ec_multiply_by_quantized_multiplier((int32_t)sum, r->multipliers[1], r->shifts[1]);
    return (int8_t)ec_clamp((int32_t)((uint32_t)scaled + (uint32_t)r->output_offset), r->activation_min, r->activation_max);
}

void ec_svdf_s8(const ec_svdf_params *p, const int8_t *input, int8_t *state, int8_t *output) {
    const int32_t past = p->rank * p->memory;
    for (int32_t batch = 0; batch < p->batches; ++batch, input += p->inputs) {
        int8_t *line = state;
        for (int32_t filter = 0; filter < p->filters; ++filter, line += p->memory) {
            for (int32_t i = 0; i + 1 < p->memory; ++i) {
                line[i] = line[i + 1];
            }
            line[p->memory - 1] = (int8_t)feature(p, input, filter);
        }
        const int8_t *time = p->time;
        for (int32_t unit = 0; unit < p->filters / p->rank; ++unit, time += past, state += past) {
            *output++ = output_of(p, ec_dot_bytes(time, state, past, (uint32_t)p->bias[unit]));
        }
    }
}

void ec_svdf_s16(const ec_svdf_params *p, const int8_t *input, int16_t *state, int8_t *output) {
    const int32_t past = p->rank * p->memory;
    for (int32_t batch = 0; batch < p->batches; ++batch, input += p->inputs) {
        int16_t *line = state;
        for (int32_t filter = 0; filter < p->filters; ++filter, line += p->memory) {
            for (int32_t i = 0; i + 1 < p->memory; ++i) {
                line[i] = line[i + 1];
            }
            line[p->memory - 1] = (int16_t)feature(p, input, filter);
        }
        const int16_t *time = p->time;
        for (int32_t unit = 0; unit < p->filters / p->rank; ++unit, time += past, state += past) {
            *output++ = output_of(p, ec_dot_halfwords(time, state, past, (uint32_t)p->bias[unit]));
        }
    }
}
