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

/* Whether all four windows lie inside the input and their rows are runs in memory. */
static int are_whole(const ec_window *w, const ec_position origins[EC_BLOCK_PIXELS]) {
    int inside = w->dilation_width == 1;
    for (int32_t i = 0; i < EC_BLOCK_PIXELS; ++i) {
        const int32_t last_y = origins[i].y + (w->filter_height - 1) * w->dilation_height;
        inside &= ec_is_inside(w, origins[i].y, origins[i].x);
        inside &= ec_is_inside(w, last_y, origins[i].x + w->filter_width - 1);
    }
    return inside;
}

void ec_pack_pixels(const ec_window *w, int32_t channels, const int8_t *input, const int8_t *zeros,
                    const ec_position origins[EC_BLOCK_PIXELS], uint32_t *strip) {
    const int32_t taps = are_whole(w, origins) ? w->filter_width : 1;
    for (int32_t ky = 0; ky < w->filter_height; ++ky) {
        for (int32_t kx = 0; kx < w->filter_width; kx += taps) {
            const int8_t *from[EC_BLOCK_PIXELS];
            for (int32_t i = 0; i < EC_BLOCK_PIXELS; ++i) {
                const int32_t y = origins[i].y + ky * w->dilation_height, x = origins[i].x + kx * w->dilation_width;
                from[i] = ec_is_inside(w, y, x) ? input + (y * w->in_width + x) * channels : zeros;
            }
            strip = ec_block_pack(strip, from, taps * channels);
        }
    }
}
