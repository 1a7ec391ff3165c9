/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#include "ec_lanes.h"

#include "ec_lanes_weave.h"

enum { HALF = EC_LANE_PIXELS / 2 }; /* lanes that are filled at a time: one word of two */

/* Where the windows of four pixels begin in the input. */
typedef struct {
    int32_t y[HALF];
    int32_t x[HALF];
} origins;

static inline int is_within(int32_t position, int32_t size) {
    return (uint32_t)position < (uint32_t)size;
}

/* Whether all windows lie inside the input and their rows are runs in memory. */
static __attribute__((noinline)) int are_whole(const ec_window *w, const origins *at) {
    const int32_t height = (w->filter_height - 1) * w->dilation_height, width = w->filter_width - 1;
    int whole = w->dilation_width == 1;
    for (int32_t i = 0; i < HALF; ++i) {
        const int32_t y = at->y[i], x = at->x[i];
        whole &= y >= 0 && y + height < w->in_height && x >= 0 && x + width < w->in_width;
    }
    return whole;
}

static __attribute__((noinline)) void gather(const ec_strip_params *p, const int8_t *input, const origins *at, const int8_t *outside, uint32_t *to) {
    const ec_window *w = &p->window;
    const int32_t taps = are_whole(w, at) ? w->filter_width : 1, run = taps * p->channels;
    for (int32_t ky = 0; ky < w->filter_height; ++ky) {
        const int8_t *rows[HALF];
        for (int32_t i = 0; i < HALF; ++i) {
            const int32_t y = at->y[i] + ky * w->dilation_height;
            rows[i] = is_within(y, w->in_height) ? input + y * w->in_width * p->channels : 0;
        }
        for (int32_t kx = 0; kx < w->filter_width; kx += taps, to += 2 * run) {
            const int8_t *from[HALF];
            for (int32_t i = 0; i < HALF; ++i) {
                const int32_t x = at->x[i] + kx * w->dilation_width;
                from[i] = rows[i] && is_within(x, w->in_width) ? rows[i] + x * p->channels : outside;
            }
            ec_lanes_weave(to, from, run);
        }
    }
}

/* The next pixels, the last one again where there are fewer than four. Returns how many. */
static __attribute__((noinline)) int32_t next_pixels(const ec_window *w, ec_strip_place *place, origins *at) {
    int32_t pixels = 0;
    for (int32_t i = 0; i < HALF; ++i) {
        if (place->y == w->out_height) {
            at->y[i] = at->y[i - 1];
            at->x[i] = at->x[i - 1];
            continue;
        }
        at->y[i] = place->y * w->stride_height - w->pad_top;
        at->x[i] = place->x * w->stride_width - w->pad_left;
        ++pixels;
        if (++place->x == w->out_width) {
            place->x = 0;
            ++place->y;
        }
    }
    return pixels;
}

void ec_lanes_begin(const ec_strip_params *p, uint32_t *lanes) {
    int8_t *outside = (int8_t *)(lanes + 2 * p->depth);
    for (int32_t i = 0; i < p->channels; ++i) {
        outside[i] = (int8_t)p->zero_point;
    }
}

int32_t ec_lanes_fill(const ec_strip_params *p, const int8_t *input, ec_strip_place *place, uint32_t *lanes) {
    const int8_t *outside = (const int8_t *)(lanes + 2 * p->depth);
    int32_t pixels = 0;
    for (int32_t half = 0; half < 2 && place->y < p->window.out_height; ++half) {
        origins at;
        pixels += next_pixels(&p->window, place, &at);
        gather(p, input, &at, outside, lanes + half);
    }
    return pixels;
}
