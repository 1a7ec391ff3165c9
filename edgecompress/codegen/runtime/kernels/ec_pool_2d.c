/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* AVERAGE_POOL_2D and MAX_POOL_2D, int8, over the taps inside the input. */
#include "ec_pool_2d.h"

/* One pooled value from the taps of one channel; `step` is the distance of neighbouring columns, `stride` that of rows. */
typedef int32_t (*pool_function)(const int8_t *first, int32_t rows, int32_t columns, int32_t step, int32_t stride);

static int32_t sum_of(const int8_t *first, int32_t rows, int32_t columns, int32_t step, int32_t stride) {
    int32_t sum = 0;
    for (int32_t y = 0; y < rows; ++y) {
        for (int32_t x = 0; x < columns; ++x) {
            sum += first[y * stride + x * step];
        }
    }
    return sum;
}

static int32_t average_up(const int8_t *first, int32_t rows, int32_t columns, int32_t step, int32_t stride) {
    const int32_t count = rows * columns;
    return (sum_of(first, rows, columns, step, stride) - INT8_MIN * count + count / 2) / count + INT8_MIN;
}

static int32_t average(const int8_t *first, int32_t rows, int32_t columns, int32_t step, int32_t stride) {
    const int32_t count = rows * columns;
    const int32_t sum = sum_of(first, rows, columns, step, stride);
    return (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
}

static int32_t maximum(const int8_t *first, int32_t rows, int32_t columns, int32_t step, int32_t stride) {
    int32_t largest = INT8_MIN;
    for (int32_t y = 0; y < rows; ++y) {
        for (int32_t x = 0; x < columns; ++x) {
            const int32_t value = first[y * stride + x * step];
            largest = value > largest ? value : largest;
        }
    }
    return largest;
}

static void pool(const ec_pool_2d_params *p, const int8_t *input, int8_t *output, pool_function function) {
    const ec_window *w = &p->window;
    const int32_t stride = w->in_width * p->channels;
    for (int32_t batch = 0; batch < w->batches; ++batch) {
        for (int32_t y = 0; y < w->out_height; ++y) {
            const int32_t origin_y = y * w->stride_height - w->pad_top;
            const ec_taps rows = ec_taps_inside(origin_y, w->filter_height, 1, w->in_height);
            for (int32_t x = 0; x < w->out_width; ++x) {
                const int32_t origin_x = x * w->stride_width - w->pad_left;
                const ec_taps columns = ec_taps_inside(origin_x, w->filter_width, 1, w->in_width);
                const int8_t *first = input + (origin_y + rows.first) * stride + (origin_x + columns.first) * p->channels;
                for (int32_t channel = 0; channel < p->channels; ++channel) {
                    const int32_t value = function(first + channel, rows.end - rows.first, columns.end - columns.first, p->channels, stride);
                    *output++ = (int8_t)ec_clamp(value, p->activation_min, p->activation_max);
                }
            }
        }
        input += w->in_height * stride;
    }
}

void ec_average_pool_2d(const ec_pool_2d_params *p, const int8_t *input, int8_t *output) {
    pool(p, input, output, average);
}

void ec_average_pool_2d_up(const ec_pool_2d_params *p, const int8_t *input, int8_t *output) {
    pool(p, input, output, average_up);
}

void ec_max_pool_2d(const ec_pool_2d_params *p, const int8_t *input, int8_t *output) {
    pool(p, input, output, maximum);
}
