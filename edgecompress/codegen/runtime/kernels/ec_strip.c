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

static inline int is_inside(const ec_window *w, int32_t y, int32_t x) {
    return y >= 0 && x >= 0 && y + w->filter_height <= w->in_height && x + w->filter_width <= w->in_width &&
           w->dilation_height == 1 && w->dilation_width == 1;
}

static inline int is_pointwise(const ec_window *w) {
    return w->filter_height == 1 && w->filter_width == 1 && w->stride_height == 1 && w->stride_width == 1;
}

static inline void advance(const ec_window *w, ec_strip_place *place, int32_t pixels) {
    for (place->x += pixels; place->x >= w->out_width; place->x -= w->out_width) {
        ++place->y;
    }
}

static void fill_lane(const ec_strip_params *p, const int8_t *input, ec_strip_place place, uint32_t *strip, int32_t lane) {
    const ec_window *w = &p->window;
    const int32_t y = place.y * w->stride_height - w->pad_top, x = place.x * w->stride_width - w->pad_left;
    const int32_t run = w->filter_width * p->channels;
    ec_strip_patches patch = {0, w->filter_height, run, run, 1, 0};
    if (is_inside(w, y, x)) {
        patch.from = input + (y * w->in_width + x) * p->channels;
        patch.pitch = w->in_width * p->channels;
    } else {
        int8_t *copied = (int8_t *)(strip + 2 * p->depth);
        copy_patch(p, input, y, x, copied);
        patch.from = copied;
    }
    ec_strip_widen(strip + lane, &patch);
}

int32_t ec_strip_fill(const ec_strip_params *p, const int8_t *input, ec_strip_place *place, uint32_t *strip) {
    const ec_window *w = &p->window;
    const int32_t y = place->y * w->stride_height - w->pad_top, x = place->x * w->stride_width - w->pad_left;
    const int32_t step = w->stride_width * p->channels;
    const int32_t is_whole = (w->out_height - place->y) * w->out_width - place->x >= LANES;
    const int32_t is_one_row = place->x + LANES <= w->out_width && is_inside(w, y, x) && is_inside(w, y, x + (LANES - 1) * w->stride_width);
    if (is_one_row || (is_whole && is_pointwise(w))) {
        const ec_strip_patches patches = {
            input + (y * w->in_width + x) * p->channels, w->filter_height, w->filter_width * p->channels,
            w->in_width * p->channels, LANES, step,
        };
        ec_strip_widen(strip, &patches);
        advance(w, place, LANES);
        return LANES;
    }
    const int32_t pixels = is_whole ? LANES : 1;
    for (int32_t lane = 0; lane < pixels; ++lane) {
        fill_lane(p, input, *place, strip, lane);
        advance(w, place, 1);
    }
    return pixels;
}
