/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* TRANSPOSE_CONV, int16 with weights of int8: one output value at a time, its sum in 64 bits, from the inputs whose filter reaches it. */
#include "ec_transpose_conv_s16.h"

#include "ec_dot_s16.h"
#include "ec_reach.h"

static int64_t accumulate(const ec_transpose_conv_s16_params *p, const ec_reach *rows, const ec_reach *columns, const int16_t *input,
                          const int8_t *weights, int64_t sum) {
    const ec_window *w = &p->window; /* its input is this operator's output */
    for (int32_t i = 0; i < rows->count; ++i) {
        const int32_t tap = (rows->tap + i * w->stride_height) * w->filter_width + columns->tap;
        const int32_t pixel = (rows->input - i) * w->out_width + columns->input;
        for (int32_t j = 0; j < columns->count; ++j) {
            const int8_t *k = weights + (tap + j * w->stride_width) * p->in_channels;
            const int16_t *x = input + (pixel - j) * p->in_channels;
            sum = ec_dot_s16(k, x, p->in_channels, sum);
        }
    }
    return sum;
}

void ec_transpose_conv_s16(const ec_transpose_conv_s16_params *p, const int16_t *input, int16_t *output) {
    const ec_window *w = &p->window;
    const int32_t filter_size = w->filter_height * w->filter_width * p->in_channels;
    for (int32_t batch = 0; batch < w->batches; ++batch, input += w->out_height * w->out_width * p->in_channels) {
        for (int32_t y = 0; y < w->in_height; ++y) {
            const ec_reach rows = ec_taps_reaching(y + w->pad_top, w->filter_height, w->stride_height, w->out_height);
            for (int32_t x = 0; x < w->in_width; ++x) {
                const ec_reach columns = ec_taps_reaching(x + w->pad_left, w->filter_width, w->stride_width, w->out_width);
                const int8_t *weights = p->weights;
                for (int32_t channel = 0; channel < p->out_channels; ++channel, weights += filter_size) {
                    const int64_t sum = accumulate(p, &rows, &columns, input, weights, p->bias[channel]);
                    *output++ = ec_requantize_s16(&p->requantization, sum, channel);
                }
            }
        }
    }
}
