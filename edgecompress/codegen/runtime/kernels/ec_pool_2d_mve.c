/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* AVERAGE_POOL_2D and MAX_POOL_2D, int8, over the taps inside the input, for processors with a vector unit: 8 or 16
 * channels at a time.
 *
 * Pixel by pixel in row-major order. A pixel's outputs are written by 8 or 16 channels; those of the next are computed from
 * other channels of the same inputs, which are read after that. */
#include "ec_pool_2d_mve.h"

#include "ec_mve.h"

/* The taps inside the input: `rows` lines of `columns` pixels. */
typedef struct {
    int32_t rows, columns;
    int32_t line; /* from line to line, and from pixel to pixel below */
    int32_t step;
    int32_t low, high;
} area;

/* All channels of one pixel; `first` is the first tap, channel 0. */
typedef void (*pool_function)(const area *a, const int8_t *first, int32_t channels, int8_t *output);

#if EC_HAS_MVE

/* |sums| / count to nearest, halves upwards, with the sign of the sums. With `reciprocal` 2^31 / count, rounded up, the high
 * half of 2 n * reciprocal is n / count exactly: n is below 2^16, count at most 256. */
static inline int32x4_t divide(int32x4_t sums, int32_t half, uint32x4_t reciprocal) {
    const uint32x4_t n = vreinterpretq_u32_s32(vaddq_n_s32(vabsq_s32(sums), half));
    const int32x4_t quotient = vreinterpretq_s32_u32(vmulhq_u32(vshlq_n_u32(n, 1), reciprocal));
    return vnegq_m_s32(quotient, quotient, vcmpltq_n_s32(sums, 0));
}

static void average(const area *a, const int8_t *first, int32_t channels, int8_t *output) {
    const int32_t count = a->rows * a->columns, columns = a->columns, step = a->step, gap = a->line - columns * step;
    const uint32x4_t reciprocal = vdupq_n_u32((UINT32_C(0x80000000) + (uint32_t)count - 1) / (uint32_t)count);
    for (int32_t channel = 0; channel < channels; channel += 8) {
        const mve_pred16_t left = vctp16q((uint32_t)(channels - channel));
        const int8_t *tap = first + channel;
        int16x8_t sums = vdupq_n_s16(0);
        for (int32_t y = 0; y < a->rows; ++y, tap += gap) {
            for (int32_t x = 0; x < columns; ++x, tap += step) {
                sums = vaddq_s16(sums, vldrbq_z_s16(tap, left));
            }
        }
        const int32x4_t even = divide(vmovlbq_s16(sums), count / 2, reciprocal);
        const int32x4_t odd = divide(vmovltq_s16(sums), count / 2, reciprocal);
        int16x8_t result = vmovntq_s32(vreinterpretq_s16_s32(even), odd);
        result = vminq_s16(vmaxq_s16(result, vdupq_n_s16((int16_t)a->low)), vdupq_n_s16((int16_t)a->high));
        vstrbq_p_s16(output + channel, result, left);
    }
}

static void maximum(const area *a, const int8_t *first, int32_t channels, int8_t *output) {
    const int32_t columns = a->columns, step = a->step, gap = a->line - columns * step;
    for (int32_t channel = 0; channel < channels; channel += 16) {
        const mve_pred16_t left = vctp8q((uint32_t)(channels - channel));
        const int8_t *tap = first + channel;
        int8x16_t result = vdupq_n_s8((int8_t)a->low);
        for (int32_t y = 0; y < a->rows; ++y, tap += gap) {
            for (int32_t x = 0; x < columns; ++x, tap += step) {
                result = vmaxq_s8(result, vldrbq_z_s8(tap, left));
            }
        }
        vstrbq_p_s8(output + channel, vminq_s8(result, vdupq_n_s8((int8_t)a->high)), left);
    }
}

#else

static int8_t clamp(const area *a, int32_t value) {
    return (int8_t)(value < a->low ? a->low : value > a->high ? a->high : value);
}

static void average(const area *a, const int8_t *first, int32_t channels, int8_t *output) {
    const int32_t count = a->rows * a->columns;
    for (int32_t channel = 0; channel < channels; ++channel) {
        int32_t sum = 0;
        for (int32_t tap = 0; tap < count; ++tap) {
            sum += first[tap / a->columns * a->line + tap % a->columns * a->step + channel];
        }
        output[channel] = clamp(a, (sum > 0 ? sum + count / 2 : sum - count / 2) / count);
    }
}

static void maximum(const area *a, const int8_t *first, int32_t channels, int8_t *output) {
    for (int32_t channel = 0; channel < channels; ++channel) {
        int32_t largest = INT8_MIN;
        for (int32_t tap = 0; tap < a->rows * a->columns; ++tap) {
            const int8_t value = first[tap / a->columns * a->line + tap % a->columns * a->step + channel];
            largest = value > largest ? value : largest;
        }
        output[channel] = clamp(a, largest);
    }
}

#endif

static inline void pool(const ec_pool_2d_mve_params *p, const int8_t *input, int8_t *output, pool_function function) {
    const ec_window *w = &p->window;
    area a = {0, 0, w->in_width * p->channels, p->channels, p->activation_min, p->activation_max};
    for (int32_t batch = 0; batch < w->batches; ++batch) {
        for (int32_t y = 0; y < w->out_height; ++y) {
            const int32_t origin_y = y * w->stride_height - w->pad_top;
            const ec_taps rows = ec_taps_inside(origin_y, w->filter_height, 1, w->in_height);
            a.rows = rows.end - rows.first;
            for (int32_t x = 0; x < w->out_width; ++x) {
                const int32_t origin_x = x * w->stride_width - w->pad_left;
                const ec_taps columns = ec_taps_inside(origin_x, w->filter_width, 1, w->in_width);
                a.columns = columns.end - columns.first;
                function(&a, input + (origin_y + rows.first) * a.line + (origin_x + columns.first) * a.step, p->channels, output);
                output += p->channels;
            }
        }
        input += w->in_height * a.line;
    }
}

void ec_average_pool_2d_mve(const ec_pool_2d_mve_params *p, const int8_t *input, int8_t *output) {
    pool(p, input, output, average);
}

void ec_max_pool_2d_mve(const ec_pool_2d_mve_params *p, const int8_t *input, int8_t *output) {
    pool(p, input, output, maximum);
}
