/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* DEPTHWISE_CONV_2D, int8: one output value at a time; four where the processor multiplies halves of words and every channel has one
 * filter. The plain form that every faster variant is tested against. */
#include "ec_depthwise_conv_2d.h"

#include "ec_dot_pairs.h"

/* Where a filter lies over the input, at its first channel. */
struct patch {
    const int8_t *input; /* of the first tap inside */
    int32_t first;       /* of that tap in the filter */
    int32_t rows;
    int32_t columns;
};

static struct patch patch_of(const ec_depthwise_conv_2d_params *p, const int8_t *input, int32_t top, int32_t left) {
    const ec_window *w = &p->window;
    const ec_taps rows = ec_taps_inside(top, w->filter_height, w->dilation_height, w->in_height);
    const ec_taps columns = ec_taps_inside(left, w->filter_width, w->dilation_width, w->in_width);
    const int32_t y = top + rows.first * w->dilation_height, x = left + columns.first * w->dilation_width;
    const int32_t taps = columns.end - columns.first, first = rows.first * w->filter_width + columns.first;
    if (taps <= 0 || rows.end <= rows.first) {
        return (struct patch){input, 0, 0, 0};
    }
    return (struct patch){input + (y * w->in_width + x) * p->in_channels, first, rows.end - rows.first, taps};
}

static uint32_t accumulate(const ec_depthwise_conv_2d_params *p, const struct patch *patch, int32_t channel) {
    const ec_window *w = &p->window;
    const int32_t out_channels = p->in_channels * p->depth_multiplier;
    const int8_t *row = patch->input + channel / p->depth_multiplier;
    const int8_t *weights = p->weights + patch->first * out_channels + channel;
    uint32_t sum = (uint32_t)p->bias[channel];
    for (int32_t ky = 0; ky < patch->rows; ++ky) {
        const int8_t *x = row, *k = weights;
        for (int32_t kx = 0; kx < patch->columns; ++kx) {
            sum += (uint32_t)((*k + p->weight_offset) * (*x + p->input_offset));
            x += w->dilation_width * p->in_channels;
            k += out_channels;
        }
        row += w->dilation_height * w->in_width * p->in_channels;
        weights += w->filter_width * out_channels;
    }
    return sum;
}

#if EC_BY_PAIRS
/* Of this channel and the next three, with one filter each. */
static void accumulate_four(const ec_depthwise_conv_2d_params *p, const struct patch *patch, int32_t channel, uint32_t *sums) {
    const ec_window *w = &p->window;
    const uint32_t plus_k = ec_pair(p->weight_offset, p->weight_offset), plus_x = ec_pair(p->input_offset, p->input_offset);
    const int8_t *row = patch->input + channel, *weights = p->weights + patch->first * p->in_channels + channel;
    uint32_t a = 0, b = 0, c = 0, d = 0;
    for (int32_t ky = 0; ky < patch->rows; ++ky) {
        const int8_t *x = row, *k = weights;
        for (int32_t kx = 0; kx < patch->columns; ++kx) {
            const uint32_t left = ec_load_word(k), right = ec_load_word(x);
            const uint32_t k02 = ec_even_bytes_plus(plus_k, left), k13 = ec_odd_bytes_plus(plus_k, left);
            const uint32_t x02 = ec_even_bytes_plus(plus_x, right), x13 = ec_odd_bytes_plus(plus_x, right);
            a += (uint32_t)(ec_low(k02) * ec_low(x02));
            b += (uint32_t)(ec_low(k13) * ec_low(x13));
            c += (uint32_t)(ec_high(k02) * ec_high(x02));
            d += (uint32_t)(ec_high(k13) * ec_high(x13));
            x += w->dilation_width * p->in_channels;
            k += p->in_channels;
        }
        row += w->dilation_height * w->in_width * p->in_channels;
        weights += w->filter_width * p->in_channels;
    }
    sums[0] = a + (uint32_t)p->bias[channel];
    sums[1] = b + (uint32_t)p->bias[channel + 1];
    sums[2] = c + (uint32_t)p->bias[channel + 2];
    sums[3] = d + (uint32_t)p->bias[channel + 3];
}
#endif

static void compute_pixel(const ec_depthwise_conv_2d_params *p, const struct patch *patch, int8_t *output) {
    const int32_t channels = p->in_channels * p->depth_multiplier;
    int32_t channel = 0;
#if EC_BY_PAIRS
    for (; p->depth_multiplier == 1 && channel + 4 <= channels; channel += 4) {
        uint32_t sums[4];
        accumulate_four(p, patch, channel, sums);
        for (int32_t i = 0; i < 4; ++i) {
            output[channel + i] = ec_requantize(&p->requantization, sums[i], channel + i);
        }
    }
#endif
    for (; channel < channels; ++channel) {
        output[channel] = ec_requantize(&p->requantization, accumulate(p, patch, channel), channel);
    }
}

void ec_depthwise_conv_2d(const ec_depthwise_conv_2d_params *p, const int8_t *input, int8_t *output) {
    const ec_window *w = &p->window;
    for (int32_t batch = 0; batch < w->batches; ++batch) {
        for (int32_t y = 0; y < w->out_height; ++y) {
            for (int32_t x = 0; x < w->out_width; ++x) {
                const struct patch patch = patch_of(p, input, y * w->stride_height - w->pad_top, x * w->stride_width - w->pad_left);
                compute_pixel(p, &patch, output);
                output += p->in_channels * p->depth_multiplier;
            }
        }
        input += w->in_height * w->in_width * p->in_channels;
    }
}
