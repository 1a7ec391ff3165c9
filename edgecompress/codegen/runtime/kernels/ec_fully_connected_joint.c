/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* FULLY_CONNECTED, int8, for processors with dual 16-bit multiplication: every widened input serves four outputs. A row of inputs is
 * read for 16 outputs, or all that are left, before any of them is written. */
#include "ec_fully_connected_joint.h"

#include "ec_dot_joint.h"

enum { MOST_OUTPUTS = 16 }; /* as many as are summed up before they are requantized */

typedef ec_fully_connected_joint_params params;

static int32_t dot(const int8_t *weights, const int8_t *input, int32_t count) {
    uint32_t sum = 0;
    for (; count >= 4; count -= 4, weights += 4, input += 4) {
        const uint32_t w = ec_load_word(weights), x = ec_load_word(input);
        sum = ec_multiply_pairs(ec_even_bytes(w), ec_even_bytes(x), sum);
        sum = ec_multiply_pairs(ec_odd_bytes(w), ec_odd_bytes(x), sum);
    }
    for (; count > 0; --count) {
        sum += (uint32_t)(*weights++ * *input++);
    }
    return (int32_t)sum;
}

/* Outputs from `first` on, from twice their sums. */
static inline __attribute__((always_inline)) void requantize(const params *p, int32_t first, int32_t count, const int32_t *twice, int8_t *output,
                              int32_t is_relu) {
    const int32_t *bias = p->bias, *scalings = p->scalings;
    const ec_output_range r = {p->output_zero_point, p->activation_min, p->activation_max};
    if (bias) {
        const ec_scaling scaling = ec_scaling_of(scalings, 0);
        for (int32_t i = 0; i < count; ++i) {
            output[i] = ec_fully_connected_scale(scaling, 2 * bias[first + i] + twice[i], r, is_relu);
        }
    } else {
        for (int32_t i = 0; i < count; ++i) {
            const ec_scaling scaling = ec_scaling_of(scalings, first + i);
            output[i] = ec_fully_connected_scale(scaling, ec_scaling_bias(scaling) + twice[i], r, is_relu);
        }
    }
}

static inline int32_t within(int32_t x, int32_t most) {
    return x < 0 ? 0 : x < most ? x : most;
}

/* Inlined for sure: `is_relu` is a constant, not a question for every output. */
static inline __attribute__((always_inline)) void one_row(const params *p, const int8_t *input, int8_t *output, int32_t is_relu) {
    const int32_t tail = p->inputs % 4, whole = p->inputs - tail;
    const int8_t *weights = p->weights, *tails = p->tails, *singles = p->singles;
    for (int32_t first = 0; first < p->outputs; first += MOST_OUTPUTS) {
        int32_t twice[MOST_OUTPUTS];
        const int32_t count = within(p->outputs - first, MOST_OUTPUTS), joint = within(p->joint - first, count);
        if (joint != 0) {
            ec_dot_joint(weights, input, whole, twice, joint / 4);
            weights += joint * whole;
        }
        for (int32_t i = 0; tail != 0 && i < joint; ++i, tails += tail) {
            twice[i] += 2 * dot(tails, input + whole, tail);
        }
        for (int32_t i = joint; i < count; ++i, singles += p->inputs) {
            twice[i] = 2 * dot(singles, input, p->inputs);
        }
        requantize(p, first, count, twice, output + first, is_relu);
    }
}

void ec_fully_connected_joint_relu(const params *p, const int8_t *input, int8_t *output) {
    for (int32_t row = 0; row < p->rows; ++row) {
        one_row(p, input + row * p->inputs, output + row * p->outputs, 1);
    }
}

void ec_fully_connected_joint_linear(const params *p, const int8_t *input, int8_t *output) {
    for (int32_t row = 0; row < p->rows; ++row) {
        one_row(p, input + row * p->inputs, output + row * p->outputs, 0);
    }
}
