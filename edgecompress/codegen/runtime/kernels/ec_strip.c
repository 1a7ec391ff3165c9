/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#include "ec_strip.h"

#include "ec_dsp.h"

enum { LANES = EC_STRIP_PIXELS };

static inline uint32_t *widen_word(uint32_t *lane, uint32_t word) {
    lane[0] = ec_even_bytes(word);
    lane[LANES] = ec_odd_bytes(word);
    return lane + 2 * LANES;
}

/* The whole words of every row of the filter; four at a time, so that their loads are neighbours. */
static inline uint32_t *widen_words(uint32_t *lane, const int8_t *row, int32_t pitch, int32_t rows, int32_t run) {
    for (; rows > 0; --rows, row += pitch) {
        const int8_t *from = row;
        int32_t left = run;
        for (; left >= 16; left -= 16, from += 16) {
            const uint32_t a = ec_load_word(from), b = ec_load_word(from + 4), c = ec_load_word(from + 8), d = ec_load_word(from + 12);
            lane = widen_word(widen_word(widen_word(widen_word(lane, a), b), c), d);
        }
        for (; left >= 4; left -= 4, from += 4) {
            lane = widen_word(lane, ec_load_word(from));
        }
    }
    return lane;
}

/* The bytes that are left of every row, together. */
static void widen_rest(uint32_t *lane, const int8_t *row, int32_t pitch, int32_t rows, int32_t run) {
    uint32_t word = 0;
    int32_t bits = 0;
    for (; rows > 0; --rows, row += pitch) {
        for (int32_t i = run & ~3; i < run; ++i) {
            word |= (uint32_t)(uint8_t)row[i] << bits;
            bits += 8;
            if (bits == 32) {
                lane = widen_word(lane, word);
                word = 0;
                bits = 0;
            }
        }
    }
    if (bits != 0) {
        widen_word(lane, word);
    }
}

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

static void fill_lane(const ec_strip_params *p, const int8_t *input, ec_strip_place place, uint32_t *strip, int32_t lane) {
    const ec_window *w = &p->window;
    const int32_t y = place.y * w->stride_height - w->pad_top, x = place.x * w->stride_width - w->pad_left;
    const int32_t run = w->filter_width * p->channels;
    const int8_t *from;
    int32_t pitch;
    if (is_inside(w, y, x)) {
        from = input + (y * w->in_width + x) * p->channels;
        pitch = w->in_width * p->channels;
    } else {
        int8_t *patch = (int8_t *)(strip + 2 * p->depth);
        copy_patch(p, input, y, x, patch);
        from = patch;
        pitch = run;
    }
    uint32_t *rest = widen_words(strip + lane, from, pitch, w->filter_height, run);
    if (run % 4 != 0) {
        widen_rest(rest, from, pitch, w->filter_height, run);
    }
}

static inline void advance(const ec_window *w, ec_strip_place *place) {
    if (++place->x == w->out_width) {
        place->x = 0;
        ++place->y;
    }
}

int32_t ec_strip_fill(const ec_strip_params *p, const int8_t *input, ec_strip_place *place, uint32_t *strip) {
    const ec_window *w = &p->window;
    const int32_t is_whole = (w->out_height - place->y) * w->out_width - place->x >= LANES;
    for (int32_t lane = 0; lane < LANES; ++lane) {
        fill_lane(p, input, *place, strip, lane);
        if (is_whole || lane == LANES - 1) {
            advance(w, place);
        }
    }
    return is_whole ? LANES : 1;
}
