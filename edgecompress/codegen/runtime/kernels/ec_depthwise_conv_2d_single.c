/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* DEPTHWISE_CONV_2D, int8, one output channel per input channel, for processors that multiply one pair of numbers at a
 * time: every weight serves four pixels. Goes through the output's pixels in row-major order, four at a time, channel by
 * channel: reads a channel of their inputs before it writes that channel. Taps outside the input read a line of zero
 * points. */
#include "ec_depthwise_conv_2d_single.h"

#include "ec_pixels_4.h"

enum { FEW_TAPS = 9 };

/* Where the taps of one output pixel begin, channel 0; those of the next pixel stand beside them. */
static void find_taps(const ec_depthwise_conv_2d_single_params *p, const int8_t *input, const int8_t *zeros,
                      ec_position origin, const int8_t **taps) {
    const ec_window *w = &p->window;
    const int32_t last_y = origin.y + (w->filter_height - 1) * w->dilation_height;
    const int32_t last_x = origin.x + (w->filter_width - 1) * w->dilation_width;
    const int is_whole = ec_is_inside(w, origin.y, origin.x) && ec_is_inside(w, last_y, last_x);
    const int32_t step = w->dilation_width * p->channels;
    int32_t row = (origin.y * w->in_width + origin.x) * p->channels;
    for (int32_t y = origin.y; y <= last_y; y += w->dilation_height) {
        int32_t at = row;
        for (int32_t x = origin.x; x <= last_x; x += w->dilation_width, at += step) {
            *taps = is_whole || ec_is_inside(w, y, x) ? input + at : zeros;
            taps += EC_BLOCK_PIXELS;
        }
        row += w->dilation_height * w->in_width * p->channels;
    }
}

/* taps: room for those of four pixels */
__attribute__((noinline)) static void convolve(const ec_depthwise_conv_2d_single_params *p, const int8_t *input, int8_t *output, int8_t *zeros,
                     const int8_t **taps) {
    const ec_window *w = &p->window;
    for (int32_t i = 0; i < p->channels; ++i) {
        zeros[i] = (int8_t)p->zero_point;
    }
    for (int32_t batch = 0; batch < w->batches; ++batch) {
        ec_position next = {0, 0}, origins[EC_BLOCK_PIXELS];
        while (next.y < w->out_height) {
            const int32_t pixels = ec_next_pixels(w, &next, origins);
            for (int32_t i = 0; i < EC_BLOCK_PIXELS; ++i) {
                find_taps(p, input, zeros, origins[i], taps + i);
            }
            ec_block b = ec_block_of(&p->ramps, p->channels, output, pixels, p->channels);
            b.first = taps;
            b.end = taps + w->filter_height * w->filter_width * EC_BLOCK_PIXELS;
            b.weights = p->weights;
            b.weights_step = p->channels;
            ec_block_run(&b, &p->ramps, ec_block_depthwise);
            output += pixels * p->channels;
        }
        input += w->in_height * w->in_width * p->channels;
    }
}

/* A function of its own, so that small filters need little stack. */
__attribute__((noinline)) static void convolve_with_many_taps(const ec_depthwise_conv_2d_single_params *p,
                                                              const int8_t *input, int8_t *output, int8_t *zeros) {
    const int8_t *taps[EC_DEPTHWISE_SINGLE_MOST_TAPS * EC_BLOCK_PIXELS];
    convolve(p, input, output, zeros, taps);
}

__attribute__((noinline)) static void convolve_with_few_taps(const ec_depthwise_conv_2d_single_params *p,
                                                             const int8_t *input, int8_t *output, int8_t *zeros) {
    const int8_t *taps[FEW_TAPS * EC_BLOCK_PIXELS];
    convolve(p, input, output, zeros, taps);
}

void ec_depthwise_conv_2d_single(const ec_depthwise_conv_2d_single_params *p, const int8_t *input, int8_t *output,
                                 void *scratch) {
    if (p->window.filter_height * p->window.filter_width <= FEW_TAPS) {
        convolve_with_few_taps(p, input, output, (int8_t *)scratch);
    } else {
        convolve_with_many_taps(p, input, output, (int8_t *)scratch);
    }
}
