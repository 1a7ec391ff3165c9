/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* CONV_2D, int8, for processors with dual 16-bit multiplication: as ec_conv_2d_joint, for any numbers. Pixels go row by row;
 * all inputs of four pixels are read before any of their outputs is written. */
#include "ec_conv_2d_dsp.h"

#include "ec_gemm_4x2.h"
#include "ec_quick_requantization.h"

/* All output channels of the pixels in the strip. */
static void multiply(const ec_conv_2d_dsp_params *p, const uint32_t *strip, int8_t *output, int32_t pixels) {
    const ec_quick_range range = ec_quick_range_of(&p->requantization);
    const int8_t *weights = p->weights;
    for (int32_t channel = 0; channel < p->out_channels; channel += 2, weights += 2 * p->strip.depth) {
        const int32_t second = channel + (channel + 1 < p->out_channels);
        const uint32_t b0 = (uint32_t)p->bias[channel], b1 = (uint32_t)p->bias[second];
        const ec_quick_channel c0 = ec_quick_channel_of(&p->requantization, channel);
        const ec_quick_channel c1 = ec_quick_channel_of(&p->requantization, second);
        uint32_t sums[8] = {b0, b1, b0, b1, b0, b1, b0, b1};
        ec_gemm_4x2(strip, weights, p->strip.depth / 2, sums);
        for (int32_t pixel = 0; pixel < pixels; ++pixel) {
            int8_t *to = output + pixel * p->out_pitch;
            to[channel] = ec_quick_requantize(range, c0, sums[2 * pixel]);
            if (second != channel) {
                to[second] = ec_quick_requantize(range, c1, sums[2 * pixel + 1]);
            }
        }
    }
}

void ec_conv_2d_dsp(const ec_conv_2d_dsp_params *p, const int8_t *input, int8_t *output, void *scratch) {
    const ec_window *w = &p->strip.window;
    uint32_t *strip = (uint32_t *)scratch;
    for (int32_t batch = 0; batch < w->batches; ++batch) {
        ec_strip_place place = {0, 0};
        while (place.y < w->out_height) {
            const int32_t pixels = ec_strip_fill(&p->strip, input, &place, strip);
            multiply(p, strip, output, pixels);
            output += pixels * p->out_pitch;
        }
        input += w->in_height * w->in_width * p->strip.channels;
    }
}
