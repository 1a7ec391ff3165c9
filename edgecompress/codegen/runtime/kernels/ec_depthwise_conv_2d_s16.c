/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* DEPTHWISE_CONV_2D, int16 with weights of int8: one output value at a time, its sum in 64 bits. */
#include "ec_depthwise_conv_2d_s16.h"

static void compute_pixel(const ec_depthwise_conv_2d_s16_params *p, const int16_t *input, int32_t top, int32_t left, int16_t *output) {
    const ec_window *w = &p->window;
    const ec_taps rows = ec_taps_inside(top, w->filter_height, w->dilation_height, w->in_height);
    const ec_taps columns = ec_taps_inside(left, w->filter_width, w->dilation_width, w->in_width);
    const int32_t out_channels = p->in_channels * p->depth_multiplier;
    for (int32_t channel = 0; channel < out_channels; ++channel) {
        int64_t sum = p->bias[channel];
        for (int32_t ky = rows.first; ky < rows.end; ++ky) {
            const int32_t row = (top + ky * w->dilation_height) * w->in_width;
            for (int32_t kx = columns.first; kx < columns.end; ++kx) {
                const int32_t pixel = row + left + kx * w->dilation_width;
                const int8_t weight = p->weights[(ky * w->filter_width + kx) * out_channels + channel];
                sum += weight * input[pixel * p->in_channels + channel / p->depth_multiplier];
            }
        }
        output[channel] = ec_requantize_s16(&p->requantization, sum, channel);
    }
}

void ec_depthwise_conv_2d_s16(const ec_depthwise_conv_2d_s16_params *p, const int16_t *input, int16_t *output) {
    const ec_window *w = &p->window;
    for (int32_t batch = 0; batch < w->batches; ++batch, input += w->in_height * w->in_width * p->in_channels) {
        for (int32_t y = 0; y < w->out_height; ++y) {
            for (int32_t x = 0; x < w->out_width; ++x, output += p->in_channels * p->depth_multiplier) {
                compute_pixel(p, input, y * w->stride_height - w->pad_top, x * w->stride_width - w->pad_left, output);
            }
        }
    }
}
