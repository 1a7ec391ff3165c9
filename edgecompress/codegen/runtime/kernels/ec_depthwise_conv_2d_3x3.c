/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* DEPTHWISE_CONV_2D, int8, 3 x 3 without dilation, one output channel per input channel, for processors with dual 16-bit
 * multiplication. Channels lie side by side in memory, which suits no dual multiplication: so four channels of some lines are
 * widened and taken apart into a strip of neighbours along the line, from which every output takes two taps at a time. */
#include "ec_depthwise_conv_2d_3x3.h"

#include "ec_depthwise_strip.h"

enum { TAPS = 3, CHANNELS = EC_DEPTHWISE_CHANNELS };

typedef ec_depthwise_conv_2d_3x3_params params;
typedef void (*lines_function)(const ec_depthwise_lines *job);

static inline int32_t pairs_of(const params *p, int32_t stride) {
    return stride == 1 ? (p->out_length + 1) / 2 + 1 : p->out_length + 1 + p->out_length % 2;
}

/* A row of the filter, doubled so that the sums are. */
static inline void weights_of(const int8_t *from, uint32_t to[2]) {
    const uint32_t word = ec_load_word(from);
    const uint32_t even = ec_even_bytes(word), odd = ec_odd_bytes(word);
    const uint32_t even2 = ec_add_pairs(even, even), odd2 = ec_add_pairs(odd, odd);
    to[0] = (even2 & 0xFFFFu) | (odd2 << 16);
    to[1] = (odd2 & 0xFFFFu) | (even2 & 0xFFFF0000u);
}

/* What all channels of a tile share. */
static inline void prepare(const params *p, ec_depthwise_lines *job, int32_t lines, int32_t pairs, int32_t stride) {
    const int32_t fours = p->out_length / 4;
    job->fours = fours * 2 * EC_DEPTHWISE_STEP * stride;
    job->rest = p->out_length - 4 * fours;
    job->lines = lines;
    job->strip_line = pairs * EC_DEPTHWISE_STEP * stride;
    job->output_line = p->out_pitch;
    job->pitch = pairs * EC_DEPTHWISE_STEP;
    job->output_step = p->out_step;
}

static inline ec_depthwise_image image_of(const params *p, const int8_t *input) {
    const ec_depthwise_image image = {input, p->in_length, p->in_lines, p->in_step, p->in_pitch, p->pad_before, p->zero_point};
    return image;
}

static void move(uint32_t *to, const uint32_t *from, int32_t words) {
    for (; words > 0; words -= CHANNELS, to += CHANNELS, from += CHANNELS) {
        const uint32_t a = from[0], b = from[1], c = from[2], d = from[3];
        to[0] = a;
        to[1] = b;
        to[2] = c;
        to[3] = d;
    }
}

/* Four channels of the lines in the strip. */
static inline void convolve(const params *p, ec_depthwise_lines *job, int32_t channel, const uint32_t *strip, int8_t *output,
                            lines_function lines) {
    for (int32_t i = 0; i < CHANNELS; ++i) {
        const int8_t *weights = p->weights + (channel + i) * TAPS * TAPS;
        for (int32_t ky = 0; ky < TAPS; ++ky) {
            weights_of(weights + ky * TAPS, job->weights + 2 * ky);
        }
        const ec_scaling scaling = ec_scaling_of(p->scalings, channel + i);
        job->bias = ec_scaling_bias(scaling);
        job->multiplier = scaling.multiplier;
        job->offset = ec_scaling_offset(scaling, p->output_zero_point);
        job->shift = ec_scaling_shift(scaling);
        job->strip = strip + i;
        job->output = output + i;
        lines(job);
    }
}

static inline int32_t smaller(int32_t a, int32_t b) {
    return a < b ? a : b;
}

static inline void by_channels(const params *p, const int8_t *input, int8_t *output, uint32_t *strip, int32_t stride,
                               lines_function lines) {
    const int32_t pairs = pairs_of(p, stride), line = pairs * CHANNELS;
    const int32_t kept = TAPS - stride; /* lines that the next tile begins with */
    ec_depthwise_lines job;
    for (int32_t channel = 0; channel < p->channels; channel += CHANNELS) {
        const ec_depthwise_image image = image_of(p, input + channel);
        int32_t old = 0;
        for (int32_t y = 0; y < p->out_lines; y += p->tile) {
            const int32_t count = smaller(p->tile, p->out_lines - y), needed = (count - 1) * stride + TAPS;
            move(strip, strip + p->tile * stride * line, old * line);
            ec_depthwise_load(&image, y * stride - p->pad_lines + old, needed - old, pairs, strip + old * line);
            prepare(p, &job, count, pairs, stride);
            convolve(p, &job, channel, strip, output + y * p->out_pitch + channel, lines);
            old = kept;
        }
    }
}

static inline void by_tiles(const params *p, const int8_t *input, int8_t *output, uint32_t *strip, int32_t stride,
                            lines_function lines) {
    const int32_t pairs = pairs_of(p, stride);
    ec_depthwise_lines job;
    for (int32_t y = 0; y < p->out_lines; y += p->tile) {
        const int32_t count = smaller(p->tile, p->out_lines - y);
        prepare(p, &job, count, pairs, stride);
        for (int32_t channel = 0; channel < p->channels; channel += CHANNELS) {
            const ec_depthwise_image image = image_of(p, input + channel);
            ec_depthwise_load(&image, y * stride - p->pad_lines, (count - 1) * stride + TAPS, pairs, strip);
            convolve(p, &job, channel, strip, output + y * p->out_pitch + channel, lines);
        }
    }
}

static inline void all_batches(const params *p, const int8_t *input, int8_t *output, uint32_t *strip, int32_t stride,
                               lines_function lines) {
    const int32_t in_bytes = p->in_lines * p->in_length * p->channels, out_bytes = p->out_lines * p->out_length * p->channels;
    for (int32_t batch = 0; batch < p->batches; ++batch, input += in_bytes, output += out_bytes) {
        if (p->by_channels) {
            by_channels(p, input, output, strip, stride, lines);
        } else {
            by_tiles(p, input, output, strip, stride, lines);
        }
    }
}

void ec_depthwise_conv_2d_3x3_s1_relu(const params *p, const int8_t *input, int8_t *output, void *scratch) {
    all_batches(p, input, output, (uint32_t *)scratch, 1, ec_depthwise_lines_s1_relu);
}

void ec_depthwise_conv_2d_3x3_s1_linear(const params *p, const int8_t *input, int8_t *output, void *scratch) {
    all_batches(p, input, output, (uint32_t *)scratch, 1, ec_depthwise_lines_s1_linear);
}

void ec_depthwise_conv_2d_3x3_s2_relu(const params *p, const int8_t *input, int8_t *output, void *scratch) {
    all_batches(p, input, output, (uint32_t *)scratch, 2, ec_depthwise_lines_s2_relu);
}

void ec_depthwise_conv_2d_3x3_s2_linear(const params *p, const int8_t *input, int8_t *output, void *scratch) {
    all_batches(p, input, output, (uint32_t *)scratch, 2, ec_depthwise_lines_s2_linear);
}
