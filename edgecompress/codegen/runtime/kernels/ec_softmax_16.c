/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* SOFTMAX, int16, over the last dimension: exp and one reciprocal per row, both interpolated in tables. */
#include "ec_softmax_16.h"

#include "ec_exponential.h"

static int32_t interpolated(const int16_t *table, int32_t x) {
    const int32_t place = 256 + (x >> 7);
    return table[place] + (((table[place + 1] - table[place]) * (x & 127) + 64) >> 7);
}

static int32_t exponential(const ec_softmax_16_params *p, int32_t difference) {
    const int32_t scaled = ec_multiply_by_quantized_multiplier(difference, p->multiplier, p->shift);
    return interpolated(p->exponentials, ec_clamp(scaled + INT16_MAX, INT16_MIN, INT16_MAX));
}

/* The reciprocal of a sum with so many leading zeros. */
static int32_t reciprocal_of(const ec_softmax_16_params *p, int32_t sum, int32_t zeros) {
    const int32_t from_one_to_two = (int32_t)((((uint32_t)sum << (zeros - 1)) + (1u << 13)) >> 14);
    return interpolated(p->reciprocals, ec_clamp(from_one_to_two - (1 << 15) - (1 << 16), INT16_MIN, INT16_MAX));
}

void ec_softmax_16(const ec_softmax_16_params *p, const int16_t *input, int16_t *output) {
    for (int32_t row = 0; row < p->rows; ++row, input += p->depth, output += p->depth) {
        int32_t largest = INT16_MIN, sum = 0;
        for (int32_t i = 0; i < p->depth; ++i) {
            largest = input[i] > largest ? input[i] : largest;
        }
        for (int32_t i = 0; i < p->depth; ++i) {
            sum += exponential(p, input[i] - largest);
        }
        const int32_t zeros = ec_leading_zeros(sum), right = 31 - zeros;
        const int32_t reciprocal = reciprocal_of(p, sum, zeros);
        for (int32_t i = 0; i < p->depth; ++i) {
            const int32_t product = exponential(p, input[i] - largest) * reciprocal;
            const uint32_t share = ((uint32_t)product + (1u << (right - 1))) >> right;
            output[i] = (int16_t)ec_clamp((int32_t)share, 0, INT16_MAX);
        }
    }
}
