/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#include "ec_lanes.h"

#include "ec_dsp.h"

enum { HALF = EC_LANES / 2 }; /* lanes that are filled at a time: one word of two */

static const uint32_t EVEN = UINT32_C(0x00FF00FF);
static const uint32_t OFFSETS = UINT32_C(0x01010101) * EC_LANES_OFFSET;

/* Where the windows of four pixels begin in the input. */
typedef struct {
    int32_t y[HALF];
    int32_t x[HALF];
} origins;

/* Bytes 0 of a and b, then bytes 2. */
static inline uint32_t join_even(uint32_t a, uint32_t b) {
    return (a & EVEN) | ((b << 8) & ~EVEN);
}

/* Bytes 1 of a and b, then bytes 3. */
static inline uint32_t join_odd(uint32_t a, uint32_t b) {
    return ((a >> 8) & EVEN) | (b & ~EVEN);
}

static inline uint32_t join_low(uint32_t a, uint32_t b) {
    return (a & 0xFFFFu) | (b << 16);
}

static inline uint32_t join_high(uint32_t a, uint32_t b) {
    return (a >> 16) | (b & 0xFFFF0000u);
}

/* `count` inputs of four lanes; `to` is a word of every other one. */
static void weave(uint32_t *to, const int8_t *const from[HALF], int32_t count) {
    const int8_t *p0 = from[0], *p1 = from[1], *p2 = from[2], *p3 = from[3];
    for (; count >= 4; count -= 4, p0 += 4, p1 += 4, p2 += 4, p3 += 4, to += 8) {
        const uint32_t a = ec_load_word(p0) ^ OFFSETS, b = ec_load_word(p1), c = ec_load_word(p2) ^ OFFSETS, d = ec_load_word(p3);
        const uint32_t even = join_even(a, b), odd = join_odd(a, b), next_even = join_even(c, d), next_odd = join_odd(c, d);
        to[0] = join_low(even, next_even);
        to[2] = join_low(odd, next_odd);
        to[4] = join_high(even, next_even);
        to[6] = join_high(odd, next_odd);
    }
    for (; count > 0; --count, to += 2) {
        const uint32_t low = (uint32_t)(uint8_t)*p0++ | (uint32_t)(uint8_t)*p1++ << 8;
        *to = (low | (uint32_t)(uint8_t)*p2++ << 16 | (uint32_t)(uint8_t)*p3++ << 24) ^ (OFFSETS & EVEN);
    }
}

static inline int is_inside(const ec_window *w, int32_t y, int32_t x) {
    return y >= 0 && y < w->in_height && x >= 0 && x < w->in_width;
}

/* Whether all windows lie inside the input and their rows are runs in memory. */
static int are_whole(const ec_window *w, const origins *at) {
    int whole = w->dilation_width == 1;
    for (int32_t i = 0; i < HALF; ++i) {
        const int32_t last_y = at->y[i] + (w->filter_height - 1) * w->dilation_height;
        whole &= is_inside(w, at->y[i], at->x[i]) && is_inside(w, last_y, at->x[i] + w->filter_width - 1);
    }
    return whole;
}

static void gather(const ec_strip_params *p, const int8_t *input, const origins *at, const int8_t *outside, uint32_t *to) {
    const ec_window *w = &p->window;
    const int32_t taps = are_whole(w, at) ? w->filter_width : 1, run = taps * p->channels;
    for (int32_t ky = 0; ky < w->filter_height; ++ky) {
        for (int32_t kx = 0; kx < w->filter_width; kx += taps, to += 2 * run) {
            const int8_t *from[HALF];
            for (int32_t i = 0; i < HALF; ++i) {
                const int32_t y = at->y[i] + ky * w->dilation_height, x = at->x[i] + kx * w->dilation_width;
                from[i] = is_inside(w, y, x) ? input + (y * w->in_width + x) * p->channels : outside;
            }
            weave(to, from, run);
        }
    }
}

/* The next pixels, the last one again where there are fewer than four. Returns how many. */
static int32_t next_pixels(const ec_window *w, ec_strip_place *place, origins *at) {
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
