/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* AVERAGE_POOL_2D and MAX_POOL_2D, int8, for processors with instructions on four bytes or two halves of a word: four channels at a
 * time. Pixels go row by row; four channels of a pixel are read before they are written. */
#include "ec_pool_2d_dsp.h"

#include "ec_dsp.h"

typedef ec_pool_2d_dsp_params params;

/* The taps of one output pixel that lie inside the input. */
typedef struct {
    const int8_t *first;
    int32_t rows;
    int32_t columns;
    int32_t step;  /* bytes from column to column */
    int32_t pitch; /* bytes from row to row */
} taps;

/* One word of outputs from the taps of its four channels; `reciprocal` is 2^32 / count, rounded up. */
typedef uint32_t (*pool_function)(const params *p, taps t, int32_t count, uint32_t reciprocal);

/* The larger of each of four signed bytes. */
static inline uint32_t larger_bytes(uint32_t a, uint32_t b) {
#if EC_HAS_DSP
    uint32_t result;
    __asm__("ssub8 %0, %1, %2\n\tsel %0, %1, %2" : "=&r"(result) : "r"(a), "r"(b) : "cc");
    return result;
#else
    uint32_t result = 0;
    for (int32_t bits = 0; bits < 32; bits += 8) {
        const uint32_t larger = (int8_t)(a >> bits) >= (int8_t)(b >> bits) ? a : b;
        result |= larger & (UINT32_C(0xFF) << bits);
    }
    return result;
#endif
}

static inline uint32_t clamped(const params *p, int32_t value) {
    return (uint32_t)(uint8_t)ec_clamp(value, p->activation_min, p->activation_max);
}

/* To nearest, halves away from zero. |sum| + count / 2 is below 2^16 and count below 2^8: the upper half of the product is the
 * quotient. */
static inline uint32_t divide(const params *p, int32_t sum, int32_t count, uint32_t reciprocal) {
    const uint32_t magnitude = (uint32_t)(sum < 0 ? -sum : sum) + (uint32_t)count / 2;
    const int32_t quotient = count == 1 ? (int32_t)magnitude : (int32_t)(((uint64_t)magnitude * reciprocal) >> 32);
    return clamped(p, sum < 0 ? -quotient : quotient);
}

static uint32_t average(const params *p, taps t, int32_t count, uint32_t reciprocal) {
    uint32_t even = 0, odd = 0;
    for (; t.rows > 0; --t.rows, t.first += t.pitch) {
        const int8_t *from = t.first;
        for (int32_t x = t.columns; x > 0; --x, from += t.step) {
            const uint32_t word = ec_load_word(from);
            even = ec_add_pairs(even, ec_even_bytes(word));
            odd = ec_add_pairs(odd, ec_odd_bytes(word));
        }
    }
    return divide(p, ec_low(even), count, reciprocal) | divide(p, ec_low(odd), count, reciprocal) << 8 |
           divide(p, ec_high(even), count, reciprocal) << 16 | divide(p, ec_high(odd), count, reciprocal) << 24;
}

static uint32_t maximum(const params *p, taps t, int32_t count, uint32_t reciprocal) {
    uint32_t largest = UINT32_C(0x80808080);
    (void)count;
    (void)reciprocal;
    for (; t.rows > 0; --t.rows, t.first += t.pitch) {
        const int8_t *from = t.first;
        for (int32_t x = t.columns; x > 0; --x, from += t.step) {
            largest = larger_bytes(largest, ec_load_word(from));
        }
    }
    if (p->activation_min == INT8_MIN && p->activation_max == INT8_MAX) {
        return largest;
    }
    return clamped(p, (int8_t)largest) | clamped(p, (int8_t)(largest >> 8)) << 8 | clamped(p, (int8_t)(largest >> 16)) << 16 |
           clamped(p, (int8_t)(largest >> 24)) << 24;
}

static inline __attribute__((always_inline)) void pool(const params *p, const int8_t *input, int8_t *output,
                                                       pool_function function) {
    const ec_window *w = &p->window;
    const int32_t channels = p->channels, pitch = w->in_width * channels;
    for (int32_t batch = 0; batch < w->batches; ++batch, input += w->in_height * pitch) {
        for (int32_t y = 0; y < w->out_height; ++y) {
            const int32_t origin_y = y * w->stride_height - w->pad_top;
            const ec_taps rows = ec_taps_inside(origin_y, w->filter_height, 1, w->in_height);
            for (int32_t x = 0; x < w->out_width; ++x) {
                const int32_t origin_x = x * w->stride_width - w->pad_left;
                const ec_taps columns = ec_taps_inside(origin_x, w->filter_width, 1, w->in_width);
                taps t = {
                    input + (origin_y + rows.first) * pitch + (origin_x + columns.first) * channels,
                    rows.end - rows.first, columns.end - columns.first, channels, pitch,
                };
                const int32_t count = t.rows * t.columns;
                const uint32_t reciprocal = count > 1 ? UINT32_C(0xFFFFFFFF) / (uint32_t)count + 1 : 0;
                for (int32_t channel = 0; channel < channels; channel += 4, t.first += 4, output += 4) {
                    const uint32_t word = function(p, t, count, reciprocal);
                    __builtin_memcpy(output, &word, sizeof word);
                }
            }
        }
    }
}

void ec_average_pool_2d_dsp(const params *p, const int8_t *input, int8_t *output) {
    pool(p, input, output, average);
}

void ec_max_pool_2d_dsp(const params *p, const int8_t *input, int8_t *output) {
    pool(p, input, output, maximum);
}
