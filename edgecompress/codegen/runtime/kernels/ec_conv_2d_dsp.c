/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* CONV_2D, int8, for processors with dual 16-bit multiplication: the inputs of four output pixels are widened once into a
 * strip, then every pair of output channels is a product of that strip with its weights. */
#include "ec_conv_2d_dsp.h"

#include "ec_gemm_4x2.h"
#include "ec_quick_requantization.h"

enum { PIXELS = 4 };

/* Four bytes become two pairs, inputs 0 and 2, then 1 and 3; the next pixel's are PIXELS words apart. */
static inline uint32_t *widen(uint32_t *to, const int8_t *from, int32_t count, uint32_t offset) {
    for (int32_t i = 0; i < count; i += 4) {
        const uint32_t word = ec_load_word(from + i);
        to[0] = ec_add_pairs(ec_even_bytes(word), offset);
        to[PIXELS] = ec_add_pairs(ec_odd_bytes(word), offset);
        to += 2 * PIXELS;
    }
    return to;
}

static uint32_t *clear(uint32_t *to, int32_t count) {
    for (int32_t i = 0; i < count; i += 4) {
        to[0] = 0;
        to[PIXELS] = 0;
        to += 2 * PIXELS;
    }
    return to;
}

/* The taps of one output pixel, channels a multiple of 4: tap by tap from where they are. */
static void gather_words(const ec_conv_2d_dsp_params *p, const int8_t *input, int32_t y, int32_t x, uint32_t *to) {
    const ec_window *w = &p->window;
    const uint32_t offset = ec_pair(p->input_offset, p->input_offset);
    for (int32_t ky = 0; ky < w->filter_height; ++ky, y += w->dilation_height) {
        int32_t column = x;
        for (int32_t kx = 0; kx < w->filter_width; ++kx, column += w->dilation_width) {
            if (y >= 0 && y < w->in_height && column >= 0 && column < w->in_width) {
                to = widen(to, input + (y * w->in_width + column) * p->in_channels, p->in_channels, offset);
            } else {
                to = clear(to, p->in_channels);
            }
        }
    }
}

/* Any number of channels: copied side by side first, with the zero point outside the input. */
static void gather_bytes(const ec_conv_2d_dsp_params *p, const int8_t *input, int32_t y, int32_t x, uint32_t *to,
                         int8_t *row) {
    const ec_window *w = &p->window;
    const uint32_t offset = ec_pair(p->input_offset, p->input_offset);
    const int8_t zero = (int8_t)-p->input_offset;
    int8_t *end = row;
    for (int32_t ky = 0; ky < w->filter_height; ++ky, y += w->dilation_height) {
        int32_t column = x;
        for (int32_t kx = 0; kx < w->filter_width; ++kx, column += w->dilation_width) {
            const int inside = y >= 0 && y < w->in_height && column >= 0 && column < w->in_width;
            const int8_t *from = input + (y * w->in_width + column) * p->in_channels;
            for (int32_t i = 0; i < p->in_channels; ++i) {
                *end++ = inside ? from[i] : zero;
            }
        }
    }
    while (end < row + p->depth) {
        *end++ = zero;
    }
    widen(to, row, p->depth, offset);
}

static ec_gemm_4x2_outputs two_channels(const ec_conv_2d_dsp_params *p, int32_t channel, int32_t second, int8_t *output) {
    const ec_gemm_4x2_outputs to = {
        {ec_quick_channel_of(&p->requantization, channel), ec_quick_channel_of(&p->requantization, second)},
        p->requantization.output_offset,
        {(uint32_t)p->bias[channel], (uint32_t)p->bias[second]},
        output + channel,
        p->out_channels,
    };
    return to;
}

/* What ec_gemm_4x2_int8 does not: fewer pixels, a single channel, a narrower range. */
static void multiply_rest(const ec_conv_2d_dsp_params *p, const uint32_t *strip, const int8_t *weights, int32_t pixels,
                          const ec_gemm_4x2_outputs *to, int32_t has_second) {
    const ec_quick_range range = ec_quick_range_of(&p->requantization);
    const uint32_t b0 = to->bias[0], b1 = to->bias[1];
    uint32_t sums[2 * PIXELS] = {b0, b1, b0, b1, b0, b1, b0, b1};
    ec_gemm_4x2(strip, weights, p->depth / 2, sums);
    for (int32_t pixel = 0; pixel < pixels; ++pixel) {
        int8_t *output = to->output + pixel * to->stride;
        output[0] = ec_quick_requantize(range, to->channels[0], sums[2 * pixel]);
        if (has_second) {
            output[1] = ec_quick_requantize(range, to->channels[1], sums[2 * pixel + 1]);
        }
    }
}

/* All output channels of the pixels in the strip. */
static void multiply(const ec_conv_2d_dsp_params *p, const uint32_t *strip, int8_t *output, int32_t pixels) {
    const ec_requantization *r = &p->requantization;
    const int32_t is_whole = pixels == PIXELS && r->activation_min == INT8_MIN && r->activation_max == INT8_MAX;
    const int8_t *weights = p->weights;
    for (int32_t channel = 0; channel < p->out_channels; channel += 2, weights += 2 * p->depth) {
        const int32_t has_second = channel + 1 < p->out_channels;
        const ec_gemm_4x2_outputs to = two_channels(p, channel, channel + has_second, output);
        if (is_whole && has_second) {
            ec_gemm_4x2_int8(strip, weights, p->depth / 2, &to);
        } else {
            multiply_rest(p, strip, weights, pixels, &to, has_second);
        }
    }
}

void ec_conv_2d_dsp(const ec_conv_2d_dsp_params *p, const int8_t *input, int8_t *output, void *scratch) {
    const ec_window *w = &p->window;
    uint32_t *strip = (uint32_t *)scratch;
    int8_t *row = (int8_t *)(strip + 2 * p->depth);
    const int32_t by_words = p->in_channels % 4 == 0;
    for (int32_t batch = 0; batch < w->batches; ++batch) {
        int32_t y = 0, x = 0;
        for (int32_t left = w->out_height * w->out_width; left > 0; left -= PIXELS) {
            const int32_t pixels = left < PIXELS ? left : PIXELS;
            for (int32_t pixel = 0; pixel < pixels; ++pixel) {
                const int32_t origin_y = y * w->stride_height - w->pad_top, origin_x = x * w->stride_width - w->pad_left;
                if (by_words) {
                    gather_words(p, input, origin_y, origin_x, strip + pixel);
                } else {
                    gather_bytes(p, input, origin_y, origin_x, strip + pixel, row);
                }
                if (++x == w->out_width) {
                    x = 0;
                    ++y;
                }
            }
            multiply(p, strip, output, pixels);
            output += pixels * p->out_channels;
        }
        input += w->in_height * w->in_width * p->in_channels;
    }
}
