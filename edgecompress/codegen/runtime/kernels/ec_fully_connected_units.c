/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#include "ec_fully_connected_units.h"

#include "ec_dot_joint.h"

enum { OUTPUTS = 4 }; /* of a unit */

typedef ec_fully_connected_units_params params;

static void add_dot(int32_t *twice, const int8_t *weights, const int8_t *input, int32_t count) {
    int32_t more[OUTPUTS];
    ec_dot_joint(weights, input, count, more, 1);
    for (int32_t i = 0; i < OUTPUTS; ++i) {
        twice[i] += more[i];
    }
}

/* Of inputs that are not a multiple of four, the last ones are copied, so that nothing behind them is read. */
static void add_unit(int32_t *twice, const int8_t *weights, const int8_t *input, int32_t count) {
    const int32_t rest = count % 4, whole = count - rest;
    if (whole > 0) {
        add_dot(twice, weights, input, whole);
    }
    if (rest > 0) {
        int8_t last[4] = {0, 0, 0, 0};
        for (int32_t i = 0; i < rest; ++i) {
            last[i] = input[whole + i];
        }
        add_dot(twice, weights + OUTPUTS * whole, last, 4);
    }
}

static void sum_up(const params *p, const int8_t *input, int32_t *twice, const ec_units *units) {
    for (int32_t i = 0; i < OUTPUTS * p->rows; ++i) {
        twice[i] = 0;
    }
    for (int32_t done = 0; done < p->inputs; done += p->unit_inputs) {
        const int8_t *weights = ec_next_unit(units);
        const int32_t left = p->inputs - done, count = left < p->unit_inputs ? left : p->unit_inputs;
        for (int32_t row = 0; row < p->rows; ++row) {
            add_unit(twice + OUTPUTS * row, weights, input + row * p->inputs + done, count);
        }
    }
}

static inline __attribute__((always_inline)) void all_outputs(const params *p, const int8_t *input, int8_t *output, int32_t *twice,
                                                             const ec_units *units, int32_t is_relu) {
    const ec_output_range range = {p->output_zero_point, p->activation_min, p->activation_max};
    for (int32_t first = 0; first < p->outputs; first += OUTPUTS) {
        sum_up(p, input, twice, units);
        const int32_t left = p->outputs - first, count = left < OUTPUTS ? left : OUTPUTS;
        for (int32_t i = 0; i < count; ++i) {
            const ec_scaling scaling = ec_scaling_of(p->scalings, p->bias ? 0 : first + i);
            const int32_t bias = p->bias ? 2 * p->bias[first + i] : ec_scaling_bias(scaling);
            int8_t *const place = output + (p->order ? p->order[first + i] : first + i);
            for (int32_t row = 0; row < p->rows; ++row) {
                place[row * p->outputs] = ec_fully_connected_scale(scaling, bias + twice[OUTPUTS * row + i], range, is_relu);
            }
        }
    }
}

void ec_fully_connected_units_relu(const params *p, const int8_t *input, int8_t *output, void *sums, const ec_units *units) {
    all_outputs(p, input, output, (int32_t *)sums, units, 1);
}

void ec_fully_connected_units_linear(const params *p, const int8_t *input, int8_t *output, void *sums, const ec_units *units) {
    all_outputs(p, input, output, (int32_t *)sums, units, 0);
}
