/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* AVERAGE_POOL_2D, int8, for vectors that run across the channels; the last one ends with the last channel. */
#include "ec_average_pool_2d_simd.h"

#include "ec_fixed_point.h"

static void average(const ec_average_pool_2d_simd_params *p, const ec_simd_kernels *kernels, const int8_t *first,
                    int32_t rows, int32_t columns, int8_t *output) {
    const int32_t stride = p->window.in_width * p->channels, count = rows * columns;
    for (int32_t next = 0; next < p->channels; next += EC_LANES) {
        const int32_t channel = next + EC_LANES <= p->channels ? next : p->channels - EC_LANES;
        int32_t sums[EC_LANES];
        kernels->pool(first + channel, rows, columns, stride, p->channels, sums);
        for (int32_t i = 0; i < EC_LANES; ++i) {
            const int32_t value = (sums[i] > 0 ? sums[i] + count / 2 : sums[i] - count / 2) / count;
            output[channel + i] = (int8_t)ec_clamp(value, p->activation_min, p->activation_max);
        }
    }
}

void ec_average_pool_2d_simd(const ec_average_pool_2d_simd_params *p, const int8_t *input, int8_t *output) {
    const ec_window *w = &p->window;
    const ec_simd_kernels *kernels = ec_simd();
    for (int32_t batch = 0; batch < w->batches; ++batch) {
        for (int32_t y = 0; y < w->out_height; ++y) {
            const int32_t origin_y = y * w->stride_height - w->pad_top;
            const ec_taps rows = ec_taps_inside(origin_y, w->filter_height, 1, w->in_height);
            for (int32_t x = 0; x < w->out_width; ++x) {
                const int32_t origin_x = x * w->stride_width - w->pad_left;
                const ec_taps columns = ec_taps_inside(origin_x, w->filter_width, 1, w->in_width);
                const int32_t pixel = (origin_y + rows.first) * w->in_width + origin_x + columns.first;
                average(p, kernels, input + pixel * p->channels, rows.end - rows.first, columns.end - columns.first, output);
                output += p->channels;
            }
        }
        input += w->in_height * w->in_width * p->channels;
    }
}
