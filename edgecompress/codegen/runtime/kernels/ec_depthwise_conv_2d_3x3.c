/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* DEPTHWISE_CONV_2D, int8, 3 x 3 without dilation, one output channel per input channel, for processors with dual 16-bit
 * multiplication: every output takes two taps at a time. In place, or tile by tile (ec_depthwise_tiles.h). */
#include "ec_depthwise_conv_2d_3x3.h"

enum { TAPS = 3, CHANNELS = EC_DEPTHWISE_CHANNELS };

typedef ec_depthwise_conv_2d_3x3_params params;
typedef void (*lines_function)(const ec_depthwise_lines *job);

/* A row of the filter, doubled so that the sums are. */
static inline void weights_of(const int8_t *from, uint32_t to[2]) {
    const uint32_t word = ec_load_word(from);
    const uint32_t even = ec_even_bytes(word), odd = ec_odd_bytes(word);
    const uint32_t even2 = ec_add_pairs(even, even), odd2 = ec_add_pairs(odd, odd);
    to[0] = (even2 & 0xFFFFu) | (odd2 << 16);
    to[1] = (odd2 & 0xFFFFu) | (even2 & 0xFFFF0000u);
}

/* What the four channels of a group share. */
static inline void prepare(const params *p, ec_depthwise_lines *job, int32_t lines) {
    const ec_depthwise_tiles *t = &p->tiles;
    const int32_t fours = t->out_length / 4;
    job->fours = fours * 2 * EC_DEPTHWISE_STEP * t->stride;
    job->rest = t->out_length - 4 * fours;
    job->lines = lines;
    job->strip_line = t->pairs * EC_DEPTHWISE_STEP * t->stride;
    job->output_line = t->out_pitch;
    job->pitch = t->pairs * EC_DEPTHWISE_STEP;
    job->output_step = t->out_step;
}

static inline void convolve(const params *p, int32_t channel, int32_t count, const uint32_t *strip, int8_t *output,
                            lines_function lines) {
    ec_depthwise_lines job;
    prepare(p, &job, count);
    for (int32_t i = 0; i < CHANNELS; ++i) {
        const int8_t *weights = p->weights + (channel + i) * TAPS * TAPS;
        for (int32_t ky = 0; ky < TAPS; ++ky) {
            weights_of(weights + ky * TAPS, job.weights + 2 * ky);
        }
        const ec_scaling scaling = ec_scaling_of(p->scalings, channel + i);
        job.bias = ec_scaling_bias(scaling);
        job.multiplier = scaling.multiplier;
        job.offset = ec_scaling_offset(scaling, p->output_zero_point);
        job.shift = ec_scaling_shift(scaling);
        job.strip = strip + i;
        job.output = output + i;
        lines(&job);
    }
}

#define KERNEL(form)                                                                                                   \
    static void group_##form(const void *p, int32_t channel, int32_t lines, const uint32_t *strip, int8_t *output) {    \
        convolve((const params *)p, channel, lines, strip, output, ec_depthwise_lines_##form);                         \
    }                                                                                                                  \
    void ec_depthwise_conv_2d_3x3_##form(const params *p, const int8_t *input, int8_t *output, void *scratch) {         \
        ec_depthwise_walk(&p->tiles, input, output, (uint32_t *)scratch, group_##form, p);                             \
    }

KERNEL(s1_relu)
KERNEL(s1_linear)
KERNEL(s2_relu)
KERNEL(s2_linear)
