/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#include "ec_pixels_4.h"

int32_t ec_next_pixels(const ec_window *w, ec_position *output, ec_position origins[EC_BLOCK_PIXELS]) {
    int32_t pixels = 0;
    for (int32_t i = 0; i < EC_BLOCK_PIXELS; ++i) {
        if (output->y == w->out_height) {
            origins[i] = origins[i - 1];
            continue;
        }
        origins[i].y = output->y * w->stride_height - w->pad_top;
        origins[i].x = output->x * w->stride_width - w->pad_left;
        ++pixels;
        if (++output->x == w->out_width) {
            output->x = 0;
            ++output->y;
        }
    }
    return pixels;
}

ec_block ec_block_of(const ec_ramps *ramps, int32_t channels, int8_t *output, int32_t pixels, int32_t distance) {
    ec_block b = {
        .start = ramps->starts,
        .channels = channels,
        .shift = ramps->shift,
        .kind = ramps->kind,
        .ramp = ramps->ramps,
        .ramp_step = ramps->step * (int32_t)sizeof *ramps->ramps,
    };
    for (int32_t i = 0; i < EC_BLOCK_PIXELS; ++i) {
        b.outputs[i] = output + (i < pixels ? i : pixels - 1) * distance;
    }
    return b;
}

void ec_block_run(ec_block *b, const ec_ramps *ramps, void (*kernel)(ec_block *)) {
    if (ramps->kind != EC_EXACT) {
        kernel(b);
        return;
    }
    const int32_t channels = b->channels;
    for (int32_t channel = 0; channel < channels; ++channel) {
        b->channels = channel + 1;
        kernel(b);
        for (int32_t i = 0; i < EC_BLOCK_PIXELS; ++i) {
            b->outputs[i][channel] = ec_ramp_output(ramps, channel, b->sums[i]);
        }
    }
}
