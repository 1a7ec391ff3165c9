/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* DEPTHWISE_CONV_2D, int8, 3 x 3 without dilation, one output channel per input channel, for processors with dual 16-bit
 * multiplication. Channels lie side by side in memory, which suits no dual multiplication: so four channels of some lines are
 * widened and taken apart into a strip of neighbours along the line, from which every output takes two taps at a time. */
#include "ec_depthwise_conv_2d_3x3.h"

enum { TAPS = 3, CHANNELS = 4 };

typedef ec_depthwise_conv_2d_3x3_params params;
typedef void (*lines_function)(const ec_depthwise_lines *job);

static inline int32_t pairs_of(const params *p, int32_t stride) {
    return stride == 1 ? (p->out_length + 1) / 2 + 1 : p->out_length + 1 + p->out_length % 2;
}

/* Four channels of two neighbours become a pair of each channel. */
static inline uint32_t *take_apart(uint32_t *to, uint32_t first, uint32_t second) {
    const uint32_t even1 = ec_even_bytes(first), even2 = ec_even_bytes(second);
    const uint32_t odd1 = ec_odd_bytes(first), odd2 = ec_odd_bytes(second);
    to[0] = (even1 & 0xFFFFu) | (even2 << 16);
    to[1] = (odd1 & 0xFFFFu) | (odd2 << 16);
    to[2] = (even1 >> 16) | (even2 & 0xFFFF0000u);
    to[3] = (odd1 >> 16) | (odd2 & 0xFFFF0000u);
    return to + CHANNELS;
}

/* One line from the place before its first output on; `from` is its first input. */
static void load_line(const params *p, const int8_t *from, int32_t pairs, uint32_t *to) {
    const int32_t step = p->in_step, length = p->in_length;
    const uint32_t outside = (uint32_t)(uint8_t)p->zero_point * UINT32_C(0x01010101);
    int32_t x = -p->pad_before;
    for (; pairs > 0 && x < 0; --pairs, x += 2) {
        to = take_apart(to, outside, x + 1 >= 0 && x + 1 < length ? ec_load_word(from + (x + 1) * step) : outside);
    }
    const int8_t *next = from + x * step;
    for (; pairs > 0 && x + 1 < length; --pairs, x += 2, next += 2 * step) {
        const uint32_t first = ec_load_word(next), second = ec_load_word(next + step);
        to = take_apart(to, first, second);
    }
    for (; pairs > 0; --pairs, x += 2, next += 2 * step) {
        to = take_apart(to, x < length ? ec_load_word(next) : outside, outside);
    }
}

static void load_lines(const params *p, const int8_t *input, int32_t first, int32_t count, int32_t pairs, uint32_t *strip) {
    for (int32_t y = first; y < first + count; ++y, strip += pairs * CHANNELS) {
        if (y >= 0 && y < p->in_lines) {
            load_line(p, input + y * p->in_pitch, pairs, strip);
        } else {
            for (int32_t i = 0; i < pairs * CHANNELS; ++i) {
                strip[i] = ec_pair(p->zero_point, p->zero_point);
            }
        }
    }
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
static inline ec_depthwise_lines job_of(const params *p, int32_t lines, int32_t pairs, int32_t stride) {
    const int32_t fours = p->out_length / 4;
    const ec_depthwise_lines job = {
        .fours = fours * 2 * EC_DEPTHWISE_STEP * stride,
        .rest = p->out_length - 4 * fours,
        .lines = lines,
        .strip_line = pairs * EC_DEPTHWISE_STEP * stride,
        .output_line = p->out_pitch,
        .pitch = pairs * EC_DEPTHWISE_STEP,
        .output_step = p->out_step,
    };
    return job;
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
    for (int32_t channel = 0; channel < p->channels; channel += CHANNELS) {
        for (int32_t y = 0; y < p->out_lines; y += p->tile) {
            const int32_t count = smaller(p->tile, p->out_lines - y), needed = (count - 1) * stride + TAPS;
            const int32_t old = y == 0 ? 0 : kept;
            for (int32_t i = 0; i < old * line; ++i) {
                strip[i] = strip[p->tile * stride * line + i];
            }
            load_lines(p, input + channel, y * stride - p->pad_lines + old, needed - old, pairs, strip + old * line);
            ec_depthwise_lines job = job_of(p, count, pairs, stride);
            convolve(p, &job, channel, strip, output + y * p->out_pitch + channel, lines);
        }
    }
}

static inline void by_tiles(const params *p, const int8_t *input, int8_t *output, uint32_t *strip, int32_t stride,
                            lines_function lines) {
    const int32_t pairs = pairs_of(p, stride);
    for (int32_t y = 0; y < p->out_lines; y += p->tile) {
        const int32_t count = smaller(p->tile, p->out_lines - y);
        ec_depthwise_lines job = job_of(p, count, pairs, stride);
        for (int32_t channel = 0; channel < p->channels; channel += CHANNELS) {
            load_lines(p, input + channel, y * stride - p->pad_lines, (count - 1) * stride + TAPS, pairs, strip);
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
