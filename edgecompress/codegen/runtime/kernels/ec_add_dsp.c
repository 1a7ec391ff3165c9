/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* ADD, int8, of operands of one shape, for processors with a multiplication that keeps the upper half. Four elements are read
 * before they are written. */
#include "ec_add_dsp.h"

/* A copy of the parameters, since a store of an output could change the original as far as a compiler knows. */
static inline __attribute__((always_inline)) int8_t add_one(ec_add_dsp_params p, int32_t large, int32_t small, int32_t is_relu) {
    const ec_scaling scaling = {p.output_multiplier, p.output_shift};
    const int32_t half = (int32_t)(UINT32_C(1) << (p.small_shift - 1));
    const int32_t scaled = ec_multiply_top(small * p.small_unit + p.small_offset, p.small_multiplier);
    /* halves away from zero: a negative number gets one less before the shift */
    const int32_t rounded = (scaled + (scaled >> 31) + half) >> p.small_shift;
    const int32_t twice = p.large_offset + large * (1 << 20) + rounded * 2;
    return is_relu ? ec_scale_relu(scaling, twice) : ec_scale_linear(scaling, twice, p.output_zero_point);
}

static inline __attribute__((always_inline)) void add(const ec_add_dsp_params *params, const int8_t *large, const int8_t *small,
                                                      int8_t *output, int32_t is_relu) {
    const ec_add_dsp_params p = *params;
    int32_t i = 0;
    for (; i + 4 <= p.elements; i += 4) {
        const uint32_t l = ec_load_word(large + i), s = ec_load_word(small + i);
        output[i] = add_one(p, (int8_t)l, (int8_t)s, is_relu);
        output[i + 1] = add_one(p, (int8_t)(l >> 8), (int8_t)(s >> 8), is_relu);
        output[i + 2] = add_one(p, (int8_t)(l >> 16), (int8_t)(s >> 16), is_relu);
        output[i + 3] = add_one(p, (int8_t)(l >> 24), (int8_t)(s >> 24), is_relu);
    }
    for (; i < p.elements; ++i) {
        output[i] = add_one(p, large[i], small[i], is_relu);
    }
}

void ec_add_dsp_relu(const ec_add_dsp_params *p, const int8_t *large, const int8_t *small, int8_t *output) {
    add(p, large, small, output, 1);
}

void ec_add_dsp_linear(const ec_add_dsp_params *p, const int8_t *large, const int8_t *small, int8_t *output) {
    add(p, large, small, output, 0);
}
