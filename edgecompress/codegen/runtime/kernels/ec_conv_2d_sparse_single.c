/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* CONV_2D, int8, most of whose weights are zero, for processors that multiply one pair of numbers at a time: the inputs that share
 * a weight are added first, two pixels in each addition, then multiplied once. At most 255 of them, so that 16 bits hold the sum.
 * Goes through the output's pixels in row-major order, four at a time, and reads their inputs before it writes them. */
#include "ec_conv_2d_sparse_single.h"

#include "ec_pixels_4.h"
#include "ec_sum_places.h"

enum { PIXELS = EC_BLOCK_PIXELS };

static void multiply(const ec_conv_2d_sparse_single_params *p, const uint32_t *strip, int8_t *output, int32_t pixels) {
    const uint8_t *places = p->lists;
    for (int32_t channel = 0; channel < p->out_channels; ++channel) {
        const uint32_t start = (uint32_t)p->ramps.starts[channel];
        uint32_t sums[PIXELS] = {start, start, start, start};
        for (int32_t page = 0; page < p->depth; page += EC_PLACES_PAGE) {
            places = ec_sum_places(places, strip + 2 * page, sums);
        }
        for (int32_t i = 0; i < pixels; ++i) {
            output[i * p->out_channels + channel] = ec_ramp_output(&p->ramps, channel, sums[i]);
        }
    }
}

void ec_conv_2d_sparse_single(const ec_conv_2d_sparse_single_params *p, const int8_t *input, int8_t *output, void *scratch) {
    const ec_window *w = &p->window;
    uint32_t *strip = (uint32_t *)scratch;
    int8_t *zeros = (int8_t *)(strip + 2 * p->depth);
    for (int32_t i = 0; i < p->in_channels; ++i) {
        zeros[i] = (int8_t)p->zero_point;
    }
    for (int32_t batch = 0; batch < w->batches; ++batch) {
        ec_position next = {0, 0}, origins[PIXELS];
        while (next.y < w->out_height) {
            const int32_t pixels = ec_next_pixels(w, &next, origins);
            ec_pack_pixels(w, p->in_channels, input, zeros, origins, strip);
            multiply(p, strip, output, pixels);
            output += pixels * p->out_channels;
        }
        input += w->in_height * w->in_width * p->in_channels;
    }
}
