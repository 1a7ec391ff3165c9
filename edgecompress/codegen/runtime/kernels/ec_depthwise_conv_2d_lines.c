/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* DEPTHWISE_CONV_2D, int8, any filter without dilation, stride 1 or 2, one output channel per input channel, for processors with dual
 * 16-bit multiplication: four outputs of a line share every pair of weights. In place, or tile by tile (ec_depthwise_tiles.h). */
#include "ec_depthwise_conv_2d_lines.h"

#include "ec_depthwise_four.h"

enum { CHANNELS = EC_DEPTHWISE_CHANNELS, OUTPUTS = 4 };

typedef ec_depthwise_conv_2d_lines_params params;

/* A line of the filter as pairs, doubled so that the sums are: for outputs whose first tap is the first of a pair of inputs, then for
 * those whose first tap is the second. Both are `words` long. */
static void pair_weights(const int8_t *from, int32_t length, int32_t words, uint32_t *to) {
    for (int32_t i = 0; i < words; ++i) {
        const int32_t before = i > 0 ? from[2 * i - 1] : 0;
        const int32_t first = 2 * i < length ? from[2 * i] : 0, second = 2 * i + 1 < length ? from[2 * i + 1] : 0;
        to[i] = ec_pair(2 * first, 2 * second);
        to[words + i] = ec_pair(2 * before, 2 * first);
    }
}

/* One channel of the lines in the strip; the constants vanish where it is inlined. */
static inline __attribute__((always_inline)) void one_channel(const params *p, const ec_depthwise_filter *f, ec_scaling scaling,
                                                              int32_t lines, const uint32_t *strip, int8_t *output, int32_t stride,
                                                              int32_t is_relu) {
    const int32_t length = p->tiles.out_length, step = p->tiles.out_step, zero_point = p->output_zero_point;
    const int32_t bias = ec_scaling_bias(scaling);
    for (int32_t y = 0; y < lines; ++y, strip += stride * (f->pitch / 4), output += p->tiles.out_pitch) {
        const uint32_t *x = strip;
        int8_t *to = output;
        for (int32_t left = length; left > 0; left -= OUTPUTS, x += 2 * CHANNELS * stride) {
            int32_t sums[OUTPUTS];
            if (stride == 1) {
                ec_depthwise_four_s1(x, f, sums);
            } else {
                ec_depthwise_four_s2(x, f, sums);
            }
            const int32_t count = left < OUTPUTS ? left : OUTPUTS;
            for (int32_t i = 0; i < count; ++i, to += step) {
                const int32_t twice = bias + sums[i];
                *to = is_relu ? ec_scale_relu(scaling, twice) : ec_scale_linear(scaling, twice, zero_point);
            }
        }
    }
}

static inline __attribute__((always_inline)) void convolve(const params *p, int32_t channel, int32_t lines, const uint32_t *strip,
                                                           int8_t *output, int32_t stride, int32_t is_relu) {
    uint32_t weights[EC_DEPTHWISE_MOST_WORDS];
    const ec_depthwise_tiles *t = &p->tiles;
    const int32_t length = p->filter_length, words = length / 2 + 1, taps = t->filter_lines * length;
    const ec_depthwise_filter f = {weights, words, t->filter_lines, t->pairs * CHANNELS * 4};
    for (int32_t i = 0; i < CHANNELS; ++i) {
        for (int32_t line = 0; line < t->filter_lines; ++line) {
            pair_weights(p->weights + (channel + i) * taps + line * length, length, words, weights + line * 2 * words);
        }
        one_channel(p, &f, ec_scaling_of(p->scalings, channel + i), lines, strip + i, output + i, stride, is_relu);
    }
}

#define KERNEL(form, stride, is_relu)                                                                                  \
    static void group_##form(const void *p, int32_t channel, int32_t lines, const uint32_t *strip, int8_t *output) {    \
        convolve((const params *)p, channel, lines, strip, output, stride, is_relu);                                   \
    }                                                                                                                  \
    void ec_depthwise_conv_2d_lines_##form(const params *p, const int8_t *input, int8_t *output, void *scratch) {       \
        ec_depthwise_walk(&p->tiles, input, output, (uint32_t *)scratch, group_##form, p);                             \
    }

KERNEL(s1_relu, 1, 1)
KERNEL(s1_linear, 1, 0)
KERNEL(s2_relu, 2, 1)
KERNEL(s2_linear, 2, 0)
