/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* CONV_2D, int8: one output value at a time. The plain form that every faster variant is tested against. */
#include "ec_conv_2d.h"

#include "ec_dot_pairs.h"

/* The weighted sum of the taps inside the input, for one output position and channel. */
static uint32_t accumulate(const ec_conv_2d_params *p, const int8_t *input, int32_t origin_y, int32_t origin_x,
                           ec_taps rows, ec_taps columns, const int8_t *weights) {
    const ec_window *w = &p->window;
    /* without dilation and groups the taps of a row are one run */
    const int32_t is_run = w->dilation_width == 1 && p->filter_channels == p->in_channels;
    const int32_t taps = columns.end - columns.first;
    const int32_t runs = is_run ? (taps > 0) : taps;
    const int32_t length = is_run ? taps * p->filter_channels : p->filter_channels;
    uint32_t sum = 0;
    for (int32_t ky = rows.first; ky < rows.end; ++ky) {
        const int32_t row = (origin_y + ky * w->dilation_height) * w->in_width;
        for (int32_t run = 0; run < runs; ++run) {
            const int32_t kx = columns.first + run;
            const int8_t *x = input + (row + origin_x + kx * w->dilation_width) * p->in_channels;
            const int8_t *k = weights + (ky * w->filter_width + kx) * p->filter_channels;
            sum = ec_dot_offset_bytes(k, p->weight_offset, x, p->input_offset, length, sum);
        }
    }
    return sum;
}

void ec_conv_2d(const ec_conv_2d_params *p, const int8_t *input, int8_t *output) {
    const ec_window *w = &p->window;
    const int32_t first_group = p->first_channel / p->group_channels;
    const int32_t left_in_first = (first_group + 1) * p->group_channels - p->first_channel;
    const int32_t filter_size = w->filter_height * w->filter_width * p->filter_channels;
    for (int32_t batch = 0; batch < w->batches; ++batch) {
        for (int32_t y = 0; y < w->out_height; ++y) {
            const int32_t origin_y = y * w->stride_height - w->pad_top;
            const ec_taps rows = ec_taps_inside(origin_y, w->filter_height, w->dilation_height, w->in_height);
            for (int32_t x = 0; x < w->out_width; ++x) {
                const int32_t origin_x = x * w->stride_width - w->pad_left;
                const ec_taps columns = ec_taps_inside(origin_x, w->filter_width, w->dilation_width, w->in_width);
                const int8_t *group_input = input + first_group * p->filter_channels;
                const int8_t *weights = p->weights;
                int32_t left_in_group = left_in_first;
                for (int32_t channel = 0; channel < p->out_channels; ++channel) {
                    if (left_in_group == 0) {
                        group_input += p->filter_channels;
                        left_in_group = p->group_channels;
                    }
                    --left_in_group;
                    const uint32_t sum = accumulate(p, group_input, origin_y, origin_x, rows, columns, weights);
                    output[channel] = ec_requantize(&p->requantization, sum + (uint32_t)p->bias[channel], channel);
                    weights += filter_size;
                }
                output += p->out_pitch;
            }
        }
        input += w->in_height * w->in_width * p->in_channels;
    }
}
