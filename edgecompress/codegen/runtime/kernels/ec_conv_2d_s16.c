/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* CONV_2D, int16 with weights of int8: one output value at a time, its sum in 64 bits. */
#include "ec_conv_2d_s16.h"

#include "ec_dot_s16.h"

struct patch {
    const int16_t *input; /* of the group */
    int32_t y;            /* of the first tap */
    int32_t x;
    ec_taps rows; /* inside the input */
    ec_taps columns;
};

static int64_t accumulate(const ec_conv_2d_s16_params *p, const struct patch *patch, const int8_t *weights) {
    const ec_window *w = &p->window;
    /* without dilation and groups the taps of a row are one run */
    const int32_t is_run = w->dilation_width == 1 && p->filter_channels == p->in_channels;
    const int32_t first = patch->columns.first, taps = patch->columns.end - first;
    const int32_t runs = is_run ? (taps > 0) : taps;
    const int32_t length = is_run ? taps * p->filter_channels : p->filter_channels;
    int64_t sum = 0;
    for (int32_t ky = patch->rows.first; ky < patch->rows.end; ++ky) {
        const int32_t row = (patch->y + ky * w->dilation_height) * w->in_width;
        for (int32_t kx = first; kx < first + runs; ++kx) {
            const int16_t *x = patch->input + (row + patch->x + kx * w->dilation_width) * p->in_channels;
            sum = ec_dot_s16(weights + (ky * w->filter_width + kx) * p->filter_channels, x, length, sum);
        }
    }
    return sum;
}

static void compute_pixel(const ec_conv_2d_s16_params *p, struct patch patch, int16_t *output) {
    const ec_window *w = &p->window;
    const int32_t filter_size = w->filter_height * w->filter_width * p->filter_channels;
    const int16_t *input = patch.input;
    for (int32_t channel = 0; channel < p->out_channels; ++channel) {
        patch.input = input + (p->first_channel + channel) / p->group_channels * p->filter_channels;
        const int64_t sum = p->bias[channel] + accumulate(p, &patch, p->weights + channel * filter_size);
        output[channel] = ec_requantize_s16(&p->requantization, sum, channel);
    }
}

void ec_conv_2d_s16(const ec_conv_2d_s16_params *p, const int16_t *input, int16_t *output) {
    const ec_window *w = &p->window;
    for (int32_t batch = 0; batch < w->batches; ++batch, input += w->in_height * w->in_width * p->in_channels) {
        for (int32_t y = 0; y < w->out_height; ++y) {
            const int32_t top = y * w->stride_height - w->pad_top;
            const ec_taps rows = ec_taps_inside(top, w->filter_height, w->dilation_height, w->in_height);
            for (int32_t x = 0; x < w->out_width; ++x, output += p->out_pitch) {
                const int32_t left = x * w->stride_width - w->pad_left;
                const ec_taps columns = ec_taps_inside(left, w->filter_width, w->dilation_width, w->in_width);
                compute_pixel(p, (struct patch){input, top, left, rows, columns}, output);
            }
        }
    }
}
