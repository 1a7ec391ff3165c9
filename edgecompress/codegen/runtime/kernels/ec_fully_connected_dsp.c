/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* FULLY_CONNECTED, int8, for processors with dual 16-bit multiplication: every widened input serves four outputs. */
#include "ec_fully_connected_dsp.h"

#include "ec_quick_requantization.h"

enum { OUTPUTS = 4 };

/* sums += weights * input; the weights of four inputs are 16 bytes: inputs 0 and 2 of outputs 0 and 1, of outputs 2 and 3,
 * then the same of inputs 1 and 3. */
static inline const int8_t *accumulate(const int8_t *weights, const int8_t *input, int32_t inputs, uint32_t sums[OUTPUTS]) {
    uint32_t s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];
    for (const int8_t *end = input + inputs; input != end; input += 4, weights += 16) {
        const uint32_t word = ec_load_word(input);
        const uint32_t even = ec_even_bytes(word), odd = ec_odd_bytes(word);
        uint32_t w01 = ec_load_word(weights), w23 = ec_load_word(weights + 4);
        s0 = ec_multiply_pairs(ec_even_bytes(w01), even, s0);
        s1 = ec_multiply_pairs(ec_odd_bytes(w01), even, s1);
        s2 = ec_multiply_pairs(ec_even_bytes(w23), even, s2);
        s3 = ec_multiply_pairs(ec_odd_bytes(w23), even, s3);
        w01 = ec_load_word(weights + 8);
        w23 = ec_load_word(weights + 12);
        s0 = ec_multiply_pairs(ec_even_bytes(w01), odd, s0);
        s1 = ec_multiply_pairs(ec_odd_bytes(w01), odd, s1);
        s2 = ec_multiply_pairs(ec_even_bytes(w23), odd, s2);
        s3 = ec_multiply_pairs(ec_odd_bytes(w23), odd, s3);
    }
    sums[0] = s0, sums[1] = s1, sums[2] = s2, sums[3] = s3;
    return weights;
}

void ec_fully_connected_dsp(const ec_fully_connected_dsp_params *p, const int8_t *input, int8_t *output) {
    const ec_quick_range range = ec_quick_range_of(&p->requantization);
    for (int32_t row = 0; row < p->rows; ++row, input += p->inputs) {
        const int8_t *weights = p->weights;
        for (int32_t first = 0; first < p->outputs; first += OUTPUTS) {
            const int32_t count = p->outputs - first < OUTPUTS ? p->outputs - first : OUTPUTS;
            uint32_t sums[OUTPUTS] = {0, 0, 0, 0};
            for (int32_t i = 0; i < count; ++i) {
                sums[i] = (uint32_t)p->bias[first + i];
            }
            weights = accumulate(weights, input, p->inputs, sums);
            for (int32_t i = 0; i < count; ++i) {
                const ec_quick_channel channel = ec_quick_channel_of(&p->requantization, first + i);
                *output++ = ec_quick_requantize(range, channel, sums[i]);
            }
        }
    }
}
