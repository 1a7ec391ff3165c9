/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* TRANSPOSE_CONV, int16 with weights of int8: one output value at a time, its sum in 64 bits, from the inputs whose filter reaches it. */
#include "ec_transpose_conv_s16.h"

#include "ec_dot_s16.h"

/* Of the taps that reach an output, every `stride`th one does, from lower and lower inputs. */
static int64_t accumulate(const ec_transpose_conv_s16_params *p, const int16_t *input, int32_t top, int32_t left, const int8_t *weights) {
    const ec_window *w = &p->window; /* its input is this operator's output */
    int64_t sum = 0;
    int32_t y = top / w->stride_height;
    for (int32_t ky = top % w->stride_height; ky < w->filter_height; ky += w->stride_height, --y) {
        int32_t x = left / w->stride_width;
        for (int32_t kx = left % w->stride_width; kx < w->filter_width; kx += w->stride_width, --x) {
            if (y >= 0 && y < w->out_height && x >= 0 && x < w->out_width) {
                const int8_t *tap = weights + (ky * w->filter_width + kx) * p->in_channels;
                sum = ec_dot_s16(tap, input + (y * w->out_width + x) * p->in_channels, p->in_channels, sum);
            }
        }
    }
    return sum;
}

void ec_transpose_conv_s16(const ec_transpose_conv_s16_params *p, const int16_t *input, int16_t *output) {
    const ec_window *w = &p->window;
    const int32_t filter_size = w->filter_height * w->filter_width * p->in_channels;
    for (int32_t batch = 0; batch < w->batches; ++batch, input += w->out_height * w->out_width * p->in_channels) {
        for (int32_t y = 0; y < w->in_height; ++y) {
            for (int32_t x = 0; x < w->in_width; ++x) {
                const int8_t *weights = p->weights;
                for (int32_t channel = 0; channel < p->out_channels; ++channel, weights += filter_size) {
                    const int64_t sum = accumulate(p, input, y + w->pad_top, x + w->pad_left, weights);
                    *output++ = ec_requantize_s16(&p->requantization, sum + p->bias[channel], channel);
                }
            }
        }
    }
}
