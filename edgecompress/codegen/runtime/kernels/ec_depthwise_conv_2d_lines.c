/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* DEPTHWISE_CONV_2D, int8, any filter without dilation, stride 1 or 2, one output channel per input channel, for processors with dual
 * 16-bit multiplication: four outputs of a line share every pair of weights. In place, or tile by tile (ec_depthwise_tiles.h). */
#include "ec_depthwise_conv_2d_lines.h"

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

/* What stays the same while a channel is convolved. */
typedef struct {
    const uint32_t *weights;
    int32_t words; /* of a line of the filter */
    int32_t lines; /* of the filter */
    int32_t pitch; /* words of the strip from line to line */
} filter;

/* Stride 1: pairs of inputs serve an output each way. */
static inline void four_sums_s1(filter f, const uint32_t *strip, uint32_t bias, uint32_t sums[OUTPUTS]) {
    uint32_t s0 = bias, s1 = bias, s2 = bias, s3 = bias;
    const uint32_t *w = f.weights;
    for (int32_t line = 0; line < f.lines; ++line, strip += f.pitch, w += f.words) {
        const uint32_t *x = strip;
        uint32_t a = *x;
        for (int32_t i = 0; i < f.words; ++i, ++w) {
            x += CHANNELS;
            const uint32_t b = *x, first = w[0], second = w[f.words];
            s0 = ec_multiply_pairs(a, first, s0);
            s1 = ec_multiply_pairs(a, second, s1);
            s2 = ec_multiply_pairs(b, first, s2);
            s3 = ec_multiply_pairs(b, second, s3);
            a = b;
        }
    }
    sums[0] = s0;
    sums[1] = s1;
    sums[2] = s2;
    sums[3] = s3;
}

/* Stride 2: every output begins with a pair of its own. */
static inline void four_sums_s2(filter f, const uint32_t *strip, uint32_t bias, uint32_t sums[OUTPUTS]) {
    uint32_t s0 = bias, s1 = bias, s2 = bias, s3 = bias;
    const uint32_t *w = f.weights;
    for (int32_t line = 0; line < f.lines; ++line, strip += f.pitch, w += f.words) {
        const uint32_t *x = strip;
        uint32_t a = x[0], b = x[CHANNELS], c = x[2 * CHANNELS];
        for (int32_t i = 0; i < f.words; ++i, ++w, x += CHANNELS) {
            const uint32_t d = x[3 * CHANNELS], first = *w;
            s0 = ec_multiply_pairs(a, first, s0);
            s1 = ec_multiply_pairs(b, first, s1);
            s2 = ec_multiply_pairs(c, first, s2);
            s3 = ec_multiply_pairs(d, first, s3);
            a = b;
            b = c;
            c = d;
        }
    }
    sums[0] = s0;
    sums[1] = s1;
    sums[2] = s2;
    sums[3] = s3;
}

/* One channel of the lines in the strip; the constants vanish where it is inlined. */
static inline __attribute__((always_inline)) void one_channel(const params *p, filter f, ec_scaling scaling, int32_t lines,
                                                              const uint32_t *strip, int8_t *output, int32_t stride, int32_t is_relu) {
    const ec_depthwise_tiles t = p->tiles;
    const int32_t zero_point = p->output_zero_point;
    const uint32_t bias = (uint32_t)ec_scaling_bias(scaling);
    for (int32_t y = 0; y < lines; ++y, strip += stride * f.pitch, output += t.out_pitch) {
        const uint32_t *x = strip;
        int8_t *to = output;
        for (int32_t left = t.out_length; left > 0; left -= OUTPUTS, x += 2 * CHANNELS * stride) {
            uint32_t sums[OUTPUTS];
            if (stride == 1) {
                four_sums_s1(f, x, bias, sums);
            } else {
                four_sums_s2(f, x, bias, sums);
            }
            const int32_t count = left < OUTPUTS ? left : OUTPUTS;
            for (int32_t i = 0; i < count; ++i, to += t.out_step) {
                const int32_t twice = (int32_t)sums[i];
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
    const filter f = {weights, words, t->filter_lines, t->pairs * CHANNELS};
    for (int32_t i = 0; i < CHANNELS; ++i) {
        for (int32_t line = 0; line < t->filter_lines; ++line) {
            pair_weights(p->weights + (channel + i) * taps + line * length, length, words, weights + line * 2 * words);
        }
        one_channel(p, f, ec_scaling_of(p->scalings, channel + i), lines, strip + i, output + i, stride, is_relu);
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
