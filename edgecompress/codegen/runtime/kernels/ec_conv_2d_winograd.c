/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* CONV_2D, int8, 3 x 3 with stride 1, for processors with dual 16-bit multiplication: Winograd's F(2 x 2, 3 x 3) after Lavin and
 * Gray, "Fast Algorithms for Convolutional Neural Networks" (2015). Four outputs take 16 multiplications instead of 36. With
 * weights transformed offline to four times their value all of it is integer and exact: 16 bits hold the transformed numbers and
 * 32 bits their sums. */
#include "ec_conv_2d_winograd.h"

#include "ec_gemm_wide.h"

enum { TILE = 4, PLACES = TILE * TILE, COLUMNS = 4 };

typedef ec_conv_2d_winograd_params params;

/* Four numbers of a line to the four of its transform, `step` words apart. */
static inline void transform(uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t *to, int32_t step) {
    to[0] = ec_subtract_pairs(a, c);
    to[step] = ec_add_pairs(b, c);
    to[2 * step] = ec_subtract_pairs(c, b);
    to[3 * step] = ec_subtract_pairs(b, d);
}

/* Where the inputs of a tile begin; those outside lead to a line of zero points. */
static void find_inputs(const params *p, const int8_t *input, int32_t y, int32_t x, const int8_t *zeros,
                        const int8_t *places[PLACES]) {
    const ec_window *w = &p->window;
    for (int32_t row = y; row < y + TILE; ++row) {
        for (int32_t column = x; column < x + TILE; ++column) {
            const int inside = row >= 0 && row < w->in_height && column >= 0 && column < w->in_width;
            *places++ = inside ? input + (row * w->in_width + column) * p->channels : zeros;
        }
    }
}

/* The transform of a tile into one column of the inputs of the 16 products. */
static void transform_inputs(const params *p, const int8_t *const places[PLACES], uint32_t *column) {
    const int32_t product = p->channels / 2 * COLUMNS;
    uint32_t rows[2][PLACES];
    for (int32_t channel = 0; channel < p->channels; channel += 4, column += 2 * COLUMNS) {
        for (int32_t row = 0; row < TILE; ++row) {
            const int8_t *const *from = places + row * TILE;
            const uint32_t a = ec_load_word(from[0] + channel), b = ec_load_word(from[1] + channel);
            const uint32_t c = ec_load_word(from[2] + channel), d = ec_load_word(from[3] + channel);
            transform(ec_even_bytes(a), ec_even_bytes(b), ec_even_bytes(c), ec_even_bytes(d), rows[0] + row * TILE, 1);
            transform(ec_odd_bytes(a), ec_odd_bytes(b), ec_odd_bytes(c), ec_odd_bytes(d), rows[1] + row * TILE, 1);
        }
        for (int32_t i = 0; i < TILE; ++i) {
            const uint32_t *even = rows[0] + i, *odd = rows[1] + i;
            uint32_t *to = column + i * product;
            transform(even[0], even[TILE], even[2 * TILE], even[3 * TILE], to, TILE * product);
            transform(odd[0], odd[TILE], odd[2 * TILE], odd[3 * TILE], to + COLUMNS, TILE * product);
        }
    }
}

/* A line of four products gives two numbers. */
static inline int32_t upper(int32_t a, int32_t b, int32_t c) {
    return a + b + c;
}

static inline int32_t lower(int32_t b, int32_t c, int32_t d) {
    return b - c - d;
}

typedef struct {
    int32_t upper;
    int32_t lower;
} two;

static inline two column_of(const int32_t *m) {
    enum { STEP = TILE * 2 * COLUMNS };
    const int32_t b = m[STEP], c = m[2 * STEP];
    const two t = {upper(m[0], b, c), lower(b, c, m[3 * STEP])};
    return t;
}

/* From four times a sum to an output. */
static inline __attribute__((always_inline)) int8_t scale(ec_scaling scaling, int32_t zero_point, int32_t four_times, int32_t is_relu) {
    const int32_t twice = ec_scaling_bias(scaling) + (four_times >> 1);
    return is_relu ? ec_scale_relu(scaling, twice) : ec_scale_linear(scaling, twice, zero_point);
}

/* One output channel of a tile from its 16 products; written out, since compilers keep small arrays in memory. */
static inline __attribute__((always_inline)) void store(const params *p, ec_scaling scaling, const int32_t *products, int8_t *output,
                                                        int32_t is_relu) {
    enum { STEP = 2 * COLUMNS };
    const two a = column_of(products), b = column_of(products + STEP), c = column_of(products + 2 * STEP),
              d = column_of(products + 3 * STEP);
    const int32_t zero_point = p->output_zero_point, right = p->out_channels, below = p->window.out_width * right;
    output[0] = scale(scaling, zero_point, upper(a.upper, b.upper, c.upper), is_relu);
    output[right] = scale(scaling, zero_point, lower(b.upper, c.upper, d.upper), is_relu);
    output[below] = scale(scaling, zero_point, upper(a.lower, b.lower, c.lower), is_relu);
    output[below + right] = scale(scaling, zero_point, lower(b.lower, c.lower, d.lower), is_relu);
}

static inline __attribute__((always_inline)) void convolve(const params *p, const int8_t *input, int8_t *output, uint32_t *scratch,
                                                           int32_t is_relu) {
    const ec_window *w = &p->window;
    int32_t *sums = (int32_t *)(scratch + PLACES * p->channels / 2 * COLUMNS);
    int8_t *zeros = (int8_t *)(sums + PLACES * 2 * COLUMNS);
    for (int32_t i = 0; i < p->channels; ++i) {
        zeros[i] = (int8_t)p->zero_point;
    }
    int32_t y = 0, x = 0;
    for (int32_t left = w->out_height * w->out_width; left > 0; left -= COLUMNS * 4) {
        int8_t *outputs[COLUMNS];
        for (int32_t column = 0; column < COLUMNS; ++column) {
            const int8_t *places[PLACES];
            find_inputs(p, input, y - w->pad_top, x - w->pad_left, zeros, places);
            transform_inputs(p, places, scratch + column);
            outputs[column] = output + (y * w->out_width + x) * p->out_channels;
            x += 2;
            if (x == w->out_width) {
                x = 0;
                y += 2;
            }
        }
        const uint32_t *weights = (const uint32_t *)(const void *)p->weights;
        for (int32_t channel = 0; channel < p->out_channels; channel += 2, weights += PLACES * p->channels) {
            ec_gemm_wide(scratch, weights, p->channels / 2, sums, PLACES);
            for (int32_t i = 0; i < 2 * COLUMNS; ++i) {
                const ec_scaling scaling = ec_scaling_of(p->scalings, channel + i % 2);
                store(p, scaling, sums + i, outputs[i / 2] + channel + i % 2, is_relu);
            }
        }
    }
}

void ec_conv_2d_winograd_relu(const params *p, const int8_t *input, int8_t *output, void *scratch) {
    const ec_window *w = &p->window;
    for (int32_t batch = 0; batch < w->batches; ++batch) {
        convolve(p, input + batch * w->in_height * w->in_width * p->channels,
                 output + batch * w->out_height * w->out_width * p->out_channels, (uint32_t *)scratch, 1);
    }
}

void ec_conv_2d_winograd_linear(const params *p, const int8_t *input, int8_t *output, void *scratch) {
    const ec_window *w = &p->window;
    for (int32_t batch = 0; batch < w->batches; ++batch) {
        convolve(p, input + batch * w->in_height * w->in_width * p->channels,
                 output + batch * w->out_height * w->out_width * p->out_channels, (uint32_t *)scratch, 0);
    }
}
