/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* AVERAGE_POOL_2D and MAX_POOL_2D, int16, over the taps inside the input. */
#include "ec_pool_2d_s16.h"

/* What one value more makes of those before it. */
typedef int32_t (*fold_function)(int32_t folded, int32_t value);

static int32_t add(int32_t sum, int32_t value) {
    return sum + value;
}

static int32_t larger(int32_t a, int32_t b) {
    return a > b ? a : b;
}

/* Halves away from zero. */
static int32_t quotient(int32_t sum, int32_t count) {
    return (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
}

__attribute__((always_inline)) static inline void
pool(const ec_pool_2d_params *p, const int16_t *input, int16_t *output, int32_t first, fold_function fold, int32_t is_average) {
    const ec_window *w = &p->window;
    const int32_t stride = w->in_width * p->channels;
    for (int32_t batch = 0; batch < w->batches; ++batch, input += w->in_height * stride) {
        for (int32_t place = 0; place < w->out_height * w->out_width; ++place) {
            const int32_t y = place / w->out_width * w->stride_height - w->pad_top;
            const int32_t x = place % w->out_width * w->stride_width - w->pad_left;
            const ec_taps rows = ec_taps_inside(y, w->filter_height, 1, w->in_height);
            const ec_taps columns = ec_taps_inside(x, w->filter_width, 1, w->in_width);
            for (int32_t channel = 0; channel < p->channels; ++channel) {
                int32_t value = first;
                for (int32_t ky = rows.first; ky < rows.end; ++ky) {
                    for (int32_t kx = columns.first; kx < columns.end; ++kx) {
                        value = fold(value, input[(y + ky) * stride + (x + kx) * p->channels + channel]);
                    }
                }
                if (is_average) {
                    value = quotient(value, (rows.end - rows.first) * (columns.end - columns.first));
                }
                *output++ = (int16_t)ec_clamp(value, p->activation_min, p->activation_max);
            }
        }
    }
}

void ec_average_pool_2d_s16(const ec_pool_2d_params *p, const int16_t *input, int16_t *output) {
    pool(p, input, output, 0, add, 1);
}

void ec_max_pool_2d_s16(const ec_pool_2d_params *p, const int16_t *input, int16_t *output) {
    pool(p, input, output, INT16_MIN, larger, 0);
}
