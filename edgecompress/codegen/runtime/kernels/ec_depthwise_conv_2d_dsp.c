/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* DEPTHWISE_CONV_2D, int8, one output channel per input channel, for processors with dual 16-bit multiplication: four
 * channels at a time, two taps in each multiplication. Taps outside the input read a line of zero points. */
#include "ec_depthwise_conv_2d_dsp.h"

#include "ec_quick_requantization.h"

/* The low halves of two pairs as one, and the high halves. */
static inline uint32_t low_halves(uint32_t first, uint32_t second) {
    return (first & 0xFFFFu) | (second << 16);
}

static inline uint32_t high_halves(uint32_t first, uint32_t second) {
    return (first >> 16) | (second & 0xFFFF0000u);
}

/* Where the taps of one output position begin, channel 0; an odd one is filled up with the line of zero points. */
static void find_taps(const ec_window *w, int32_t channels, const int8_t *input, const int8_t *zeros, int32_t y, int32_t x,
                      const int8_t **taps) {
    for (int32_t ky = 0; ky < w->filter_height; ++ky, y += w->dilation_height) {
        int32_t column = x;
        for (int32_t kx = 0; kx < w->filter_width; ++kx, column += w->dilation_width) {
            const int inside = y >= 0 && y < w->in_height && column >= 0 && column < w->in_width;
            *taps++ = inside ? input + (y * w->in_width + column) * channels : zeros;
        }
    }
    *taps = zeros;
}

static void multiply(const ec_depthwise_conv_2d_dsp_params *p, const int8_t *const *taps, int32_t pairs, int8_t *output) {
    const ec_quick_range range = ec_quick_range_of(&p->requantization);
    const int8_t *weights = p->weights;
    for (int32_t channel = 0; channel < p->channels; channel += 4) {
        const int32_t *bias = p->bias + channel;
        uint32_t s0 = (uint32_t)bias[0], s1 = (uint32_t)bias[1], s2 = (uint32_t)bias[2], s3 = (uint32_t)bias[3];
        const int8_t *const *tap = taps;
        for (int32_t pair = 0; pair < pairs; ++pair, tap += 2, weights += 8) {
            const uint32_t first = ec_load_word(tap[0] + channel), second = ec_load_word(tap[1] + channel);
            const uint32_t w01 = ec_load_word(weights), w23 = ec_load_word(weights + 4);
            const uint32_t even1 = ec_even_bytes(first), even2 = ec_even_bytes(second);
            s0 = ec_multiply_pairs(low_halves(even1, even2), ec_even_bytes(w01), s0);
            s2 = ec_multiply_pairs(high_halves(even1, even2), ec_even_bytes(w23), s2);
            const uint32_t odd1 = ec_odd_bytes(first), odd2 = ec_odd_bytes(second);
            s1 = ec_multiply_pairs(low_halves(odd1, odd2), ec_odd_bytes(w01), s1);
            s3 = ec_multiply_pairs(high_halves(odd1, odd2), ec_odd_bytes(w23), s3);
        }
        output[channel] = ec_quick_requantize(range, ec_quick_channel_of(&p->requantization, channel), s0);
        output[channel + 1] = ec_quick_requantize(range, ec_quick_channel_of(&p->requantization, channel + 1), s1);
        output[channel + 2] = ec_quick_requantize(range, ec_quick_channel_of(&p->requantization, channel + 2), s2);
        output[channel + 3] = ec_quick_requantize(range, ec_quick_channel_of(&p->requantization, channel + 3), s3);
    }
}

void ec_depthwise_conv_2d_dsp(const ec_depthwise_conv_2d_dsp_params *p, const int8_t *input, int8_t *output,
                              void *scratch) {
    const ec_window *w = &p->window;
    const int8_t *taps[EC_DEPTHWISE_MOST_TAPS + 1];
    const int32_t pairs = (w->filter_height * w->filter_width + 1) / 2;
    int8_t *zeros = (int8_t *)scratch;
    for (int32_t i = 0; i < p->channels; ++i) {
        zeros[i] = (int8_t)p->zero_point;
    }
    for (int32_t batch = 0; batch < w->batches; ++batch) {
        for (int32_t y = 0; y < w->out_height; ++y) {
            for (int32_t x = 0; x < w->out_width; ++x) {
                const int32_t origin_y = y * w->stride_height - w->pad_top, origin_x = x * w->stride_width - w->pad_left;
                find_taps(w, p->channels, input, zeros, origin_y, origin_x, taps);
                multiply(p, taps, pairs, output);
                output += p->channels;
            }
        }
        input += w->in_height * w->in_width * p->channels;
    }
}
