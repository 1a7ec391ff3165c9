/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#include "ec_strip.h"

#include "ec_dsp.h"
#include "ec_strip_widen.h"

enum { LANES = EC_STRIP_PIXELS };

static inline int8_t *copy(int8_t *to, const int8_t *from, int32_t count) {
    for (; count >= 4; count -= 4, to += 4, from += 4) {
        const uint32_t word = ec_load_word(from);
        __builtin_memcpy(to, &word, sizeof word);
    }
    for (; count > 0; --count) {
        *to++ = *from++;
    }
    return to;
}

static inline int8_t *repeat(int8_t *to, int32_t value, int32_t count) {
    const uint32_t word = (uint32_t)(uint8_t)value * UINT32_C(0x01010101);
    for (; count >= 4; count -= 4, to += 4) {
        __builtin_memcpy(to, &word, sizeof word);
    }
    for (; count > 0; --count) {
        *to++ = (int8_t)value;
    }
    return to;
}

/* The taps of a window that is partly outside or dilated, side by side. */
static void copy_patch(const ec_strip_params *p, const int8_t *input, int32_t y, int32_t x, int8_t *to) {
    const ec_window w = p->window;
    const int32_t channels = p->channels, zero_point = p->zero_point;
    const ec_taps taps = ec_taps_inside(x, w.filter_width, w.dilation_width, w.in_width);
    const int32_t is_one_run = w.dilation_width == 1;
    const int32_t run = is_one_run ? (taps.end - taps.first) * channels : channels;
    for (int32_t ky = 0; ky < w.filter_height; ++ky, y += w.dilation_height) {
        if (y < 0 || y >= w.in_height) {
            to = repeat(to, zero_point, w.filter_width * channels);
            continue;
        }
        to = repeat(to, zero_point, taps.first * channels);
        for (int32_t kx = taps.first; kx < taps.end; kx = is_one_run ? taps.end : kx + 1) {
            to = copy(to, input + (y * w.in_width + x + kx * w.dilation_width) * channels, run);
        }
        to = repeat(to, zero_point, (w.filter_width - taps.end) * channels);
    }
}

static inline int is_pointwise(const ec_window *w) {
    return w->filter_height == 1 && w->filter_width == 1 && w->stride_height == 1 && w->stride_width == 1;
}

static inline void advance(const ec_window *w, ec_strip_place *place, int32_t pixels) {
    for (place->x += pixels; place->x >= w->out_width; place->x -= w->out_width) {
        ++place->y;
    }
}

/* How many pixels, `most` at most, lie in one line of memory with all of their windows inside; (y, x) is where the first
 * window begins. */
static inline int32_t count_inside(const ec_window *w, int32_t y, int32_t x, int32_t most) {
    if (is_pointwise(w)) {
        return most;
    }
    const int32_t space = w->in_width - w->filter_width - x;
    if (w->dilation_height != 1 || w->dilation_width != 1 || y < 0 || y + w->filter_height > w->in_height || x < 0 || space < 0) {
        return 0;
    }
    const int32_t fitting = space / w->stride_width + 1;
    return fitting < most ? fitting : most;
}

int32_t ec_strip_fill(const ec_strip_params *p, const int8_t *input, ec_strip_place *place, uint32_t *strip) {
    const ec_window *w = &p->window;
    const int32_t pixels = (w->out_height - place->y) * w->out_width - place->x >= LANES ? LANES : 1;
    const int32_t run = w->filter_width * p->channels;
    int8_t *copied = (int8_t *)(strip + 2 * p->depth);
    for (int32_t lane = 0; lane < pixels;) {
        const int32_t y = place->y * w->stride_height - w->pad_top, x = place->x * w->stride_width - w->pad_left;
        ec_strip_patches patches = {
            copied, w->filter_height, run, run, count_inside(w, y, x, pixels - lane), w->stride_width * p->channels,
        };
        if (patches.lanes == 0) {
            copy_patch(p, input, y, x, copied);
            patches.lanes = 1;
        } else {
            patches.from = input + (y * w->in_width + x) * p->channels;
            patches.pitch = w->in_width * p->channels;
        }
        ec_strip_widen(strip + lane, &patches);
        advance(w, place, patches.lanes);
        lane += patches.lanes;
    }
    return pixels;
}
