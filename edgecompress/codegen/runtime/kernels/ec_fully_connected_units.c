/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#include "ec_fully_connected_units.h"

#include "ec_dot_joint.h"

enum { OUTPUTS = 4 }; /* of a unit */

typedef ec_fully_connected_units_params params;

static void add_dot(int32_t *twice, const int8_t *weights, const int8_t *input, int32_t count) {
    int32_t more[OUTPUTS];
    ec_dot_joint(weights, input, count, more, 1);
    const int32_t a = twice[0] + more[0], b = twice[1] + more[1], c = twice[2] + more[2], d = twice[3] + more[3];
    twice[0] = a;
    twice[1] = b;
    twice[2] = c;
    twice[3] = d;
}

/* Of inputs that are not a multiple of four, the last ones are copied, so that nothing behind them is read. */
static void add_last(int32_t *twice, const int8_t *weights, const int8_t *input, int32_t count) {
    int8_t last[4] = {0, 0, 0, 0};
    for (int32_t i = 0; i < count; ++i) {
        last[i] = input[i];
    }
    add_dot(twice, weights, last, 4);
}

static void sum_up(const params *p, const int8_t *input, int32_t *twice, const ec_units *units) {
    const int32_t rows = p->rows, inputs = p->inputs, most = p->unit_inputs;
    for (int32_t i = 0; i < OUTPUTS * rows; ++i) {
        twice[i] = 0;
    }
    for (int32_t done = 0; done < inputs; done += most) {
        const int8_t *weights = ec_next_unit(units);
        const int32_t count = inputs - done < most ? inputs - done : most, whole = count & ~3;
        for (int32_t row = 0; row < rows; ++row) {
            const int8_t *const from = input + row * inputs + done;
            if (whole > 0) {
                add_dot(twice + OUTPUTS * row, weights, from, whole);
            }
            if (whole < count) {
                add_last(twice + OUTPUTS * row, weights + OUTPUTS * whole, from + whole, count - whole);
            }
        }
    }
}

/* The outputs of a row from `first` on. What does not change is read once: an output might overwrite anything. */
static inline __attribute__((always_inline)) void scale_all(const params *p, const int32_t *twice, int8_t *output, int32_t first,
                                                           int32_t is_relu) {
    const ec_output_range range = {p->output_zero_point, p->activation_min, p->activation_max};
    const int32_t *const bias = p->bias, *const scalings = p->scalings;
    const uint8_t *const order = p->order;
    const int32_t left = p->outputs - first, end = left < OUTPUTS ? left : OUTPUTS;
    for (int32_t i = 0; i < end; ++i) {
        const int32_t number = first + i;
        const ec_scaling scaling = ec_scaling_of(scalings, bias ? 0 : number);
        const int32_t sum = (bias ? 2 * bias[number] : ec_scaling_bias(scaling)) + twice[i];
        output[order ? order[number] : number] = ec_fully_connected_scale(scaling, sum, range, is_relu);
    }
}

static inline __attribute__((always_inline)) void all_outputs(const params *p, const int8_t *input, int8_t *output, int32_t *twice,
                                                             const ec_units *units, int32_t is_relu) {
    const int32_t outputs = p->outputs, rows = p->rows;
    for (int32_t first = 0; first < outputs; first += OUTPUTS) {
        sum_up(p, input, twice, units);
        for (int32_t row = 0; row < rows; ++row) {
            scale_all(p, twice + OUTPUTS * row, output + row * outputs, first, is_relu);
        }
    }
}

void ec_fully_connected_units_relu(const params *p, const int8_t *input, int8_t *output, void *sums, const ec_units *units) {
    all_outputs(p, input, output, (int32_t *)sums, units, 1);
}

void ec_fully_connected_units_linear(const params *p, const int8_t *input, int8_t *output, void *sums, const ec_units *units) {
    all_outputs(p, input, output, (int32_t *)sums, units, 0);
}
