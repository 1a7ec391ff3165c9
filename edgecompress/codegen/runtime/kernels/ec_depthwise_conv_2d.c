/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* DEPTHWISE_CONV_2D, int8: one output value at a time. The plain form that every faster variant is tested against. */
#include "ec_depthwise_conv_2d.h"

static uint32_t accumulate(const ec_depthwise_conv_2d_params *p, const int8_t *input, int32_t origin_y, int32_t origin_x, ec_taps rows, ec_taps columns,
                           const int8_t *weights) {
    const ec_window *w = &p->window;
    const int32_t offset = p->input_offset;
    const int32_t weight_offset = p->weight_offset;
    const int32_t out_channels = p->in_channels * p->depth_multiplier;
    uint32_t sum = 0;
    for (int32_t ky = rows.first; ky < rows.end; ++ky) {
        const int8_t *x = input + ((origin_y + ky * w->dilation_height) * w->in_width + origin_x + columns.first * w->dilation_width) * p->in_channels;
        const int8_t *k = weights + (ky * w->filter_width + columns.first) * out_channels;
        for (int32_t kx = columns.first; kx < columns.end; ++kx) {
            sum += (uint32_t)((*k + weight_offset) * (*x + offset));
            x += w->dilation_width * p->in_channels;
            k += out_channels;
        }
    }
    return sum;
}

void ec_depthwise_conv_2d(const ec_depthwise_conv_2d_params *p, const int8_t *input, int8_t *output) {
    const ec_window *w = &p->window;
    for (int32_t batch = 0; batch < w->batches; ++batch) {
        for (int32_t y = 0; y < w->out_height; ++y) {
            const int32_t origin_y = y * w->stride_height - w->pad_top;
            const ec_taps rows = ec_taps_inside(origin_y, w->filter_height, w->dilation_height, w->in_height);
            for (int32_t x = 0; x < w->out_width; ++x) {
                const int32_t origin_x = x * w->stride_width - w->pad_left;
                const ec_taps columns = ec_taps_inside(origin_x, w->filter_width, w->dilation_width, w->in_width);
                int32_t channel = 0;
                for (int32_t in_channel = 0; in_channel < p->in_channels; ++in_channel) {
                    for (int32_t copy = 0; copy < p->depth_multiplier; ++copy, ++channel) {
                        const uint32_t sum = accumulate(p, input + in_channel, origin_y, origin_x, rows, columns, p->weights + channel);
                        *output++ = ec_requantize(&p->requantization, sum + (uint32_t)p->bias[channel], channel);
                    }
                }
            }
        }
        input += w->in_height * w->in_width * p->in_channels;
    }
}
