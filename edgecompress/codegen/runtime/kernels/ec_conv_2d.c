/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* CONV_2D, int8: one output value at a time, four channels of a group where the processor multiplies pairs. The plain form that every
 * faster variant is tested against. */
#include "ec_conv_2d.h"

#include "ec_dot_pairs.h"

/* The taps inside the input for one output position: as many rows, of runs that lie side by side in input and weights. */
struct patch {
    int32_t rows;
    int32_t runs;
    int32_t length; /* of a run */
    int32_t input;  /* where its first run begins */
    int32_t weights;
};

static struct patch patch_of(const ec_conv_2d_params *p, int32_t top, int32_t left) {
    const ec_window *w = &p->window;
    const ec_taps rows = ec_taps_inside(top, w->filter_height, w->dilation_height, w->in_height);
    const ec_taps columns = ec_taps_inside(left, w->filter_width, w->dilation_width, w->in_width);
    const int32_t y = top + rows.first * w->dilation_height, x = left + columns.first * w->dilation_width;
    const int32_t taps = columns.end - columns.first;
    /* without dilation and groups the taps of a row are one run */
    const int32_t is_run = w->dilation_width == 1 && p->filter_channels == p->in_channels;
    return (struct patch){
        .rows = rows.end - rows.first,
        .runs = is_run ? (taps > 0) : taps,
        .length = is_run ? taps * p->filter_channels : p->filter_channels,
        .input = (y * w->in_width + x) * p->in_channels,
        .weights = (rows.first * w->filter_width + columns.first) * p->filter_channels,
    };
}

static int32_t input_row(const ec_conv_2d_params *p) {
    return p->window.dilation_height * p->window.in_width * p->in_channels;
}

static uint32_t accumulate(const ec_conv_2d_params *p, const struct patch *patch, const int8_t *input, const int8_t *weights, uint32_t sum) {
    const int32_t step = p->window.dilation_width * p->in_channels;
    for (int32_t ky = 0; ky < patch->rows; ++ky) {
        const int8_t *x = input + patch->input + ky * input_row(p);
        const int8_t *k = weights + patch->weights + ky * p->window.filter_width * p->filter_channels;
        for (int32_t run = 0; run < patch->runs; ++run, x += step, k += p->filter_channels) {
            sum = ec_dot_offset_bytes(k, p->weight_offset, x, p->input_offset, patch->length, sum);
        }
    }
    return sum;
}

#if EC_BY_PAIRS
static uint32_t multiply_four(const int8_t *k, uint32_t plus, uint32_t even, uint32_t odd, uint32_t sum) {
    const uint32_t word = ec_load_word(k);
    return ec_multiply_pairs(ec_odd_bytes_plus(plus, word), odd, ec_multiply_pairs(ec_even_bytes_plus(plus, word), even, sum));
}

/* A run of four filters that lie `size` bytes apart. On its own, it has all registers. */
static __attribute__((noinline)) void multiply_run(const ec_conv_2d_params *p, const int8_t *x, const int8_t *k, int32_t size, int32_t count,
                                                   uint32_t *sums) {
    const uint32_t plus_k = ec_pair(p->weight_offset, p->weight_offset), plus_x = ec_pair(p->input_offset, p->input_offset);
    uint32_t first = sums[0], second = sums[1], third = sums[2], fourth = sums[3];
    for (; count >= 4; count -= 4, x += 4, k += 4) {
        const uint32_t word = ec_load_word(x), even = ec_even_bytes_plus(plus_x, word), odd = ec_odd_bytes_plus(plus_x, word);
        first = multiply_four(k, plus_k, even, odd, first);
        second = multiply_four(k + size, plus_k, even, odd, second);
        third = multiply_four(k + 2 * size, plus_k, even, odd, third);
        fourth = multiply_four(k + 3 * size, plus_k, even, odd, fourth);
    }
    const int32_t offset = p->weight_offset;
    for (; count > 0; --count, ++k) {
        const int32_t value = *x++ + p->input_offset;
        first += (uint32_t)((k[0] + offset) * value);
        second += (uint32_t)((k[size] + offset) * value);
        third += (uint32_t)((k[2 * size] + offset) * value);
        fourth += (uint32_t)((k[3 * size] + offset) * value);
    }
    sums[0] = first;
    sums[1] = second;
    sums[2] = third;
    sums[3] = fourth;
}

static void accumulate_four(const ec_conv_2d_params *p, const struct patch *patch, const int8_t *input, const int8_t *weights, int32_t size,
                            uint32_t *sums) {
    const int32_t step = p->window.dilation_width * p->in_channels;
    for (int32_t ky = 0; ky < patch->rows; ++ky) {
        const int8_t *x = input + patch->input + ky * input_row(p);
        const int8_t *k = weights + patch->weights + ky * p->window.filter_width * p->filter_channels;
        for (int32_t run = 0; run < patch->runs; ++run, x += step, k += p->filter_channels) {
            multiply_run(p, x, k, size, patch->length, sums);
        }
    }
}
#endif

/* Channels of one group, from this one on. */
static void compute_channels(const ec_conv_2d_params *p, const struct patch *patch, const int8_t *input, int32_t first, int32_t end, int8_t *output) {
    const int32_t size = p->window.filter_height * p->window.filter_width * p->filter_channels;
    int32_t channel = first;
#if EC_BY_PAIRS
    for (; channel + 4 <= end; channel += 4) {
        uint32_t sums[4];
        for (int32_t i = 0; i < 4; ++i) {
            sums[i] = (uint32_t)p->bias[channel + i];
        }
        accumulate_four(p, patch, input, p->weights + channel * size, size, sums);
        for (int32_t i = 0; i < 4; ++i) {
            output[channel + i] = ec_requantize(&p->requantization, sums[i], channel + i);
        }
    }
#endif
    for (; channel < end; ++channel) {
        const uint32_t sum = accumulate(p, patch, input, p->weights + channel * size, (uint32_t)p->bias[channel]);
        output[channel] = ec_requantize(&p->requantization, sum, channel);
    }
}

static void compute_pixel(const ec_conv_2d_params *p, const struct patch *patch, const int8_t *input, int8_t *output) {
    int32_t group = p->first_channel / p->group_channels;
    int32_t end = (group + 1) * p->group_channels - p->first_channel;
    for (int32_t first = 0; first < p->out_channels; first = end, end += p->group_channels, ++group) {
        const int32_t stop = end < p->out_channels ? end : p->out_channels;
        compute_channels(p, patch, input + group * p->filter_channels, first, stop, output);
    }
}

void ec_conv_2d(const ec_conv_2d_params *p, const int8_t *input, int8_t *output) {
    const ec_window *w = &p->window;
    for (int32_t batch = 0; batch < w->batches; ++batch, input += w->in_height * w->in_width * p->in_channels) {
        for (int32_t y = 0; y < w->out_height; ++y) {
            for (int32_t x = 0; x < w->out_width; ++x, output += p->out_pitch) {
                const struct patch patch = patch_of(p, y * w->stride_height - w->pad_top, x * w->stride_width - w->pad_left);
                compute_pixel(p, &patch, input, output);
            }
        }
    }
}
