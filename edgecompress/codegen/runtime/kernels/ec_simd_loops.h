/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* The loops of ec_simd.h, written once above what each instruction set defines before it includes this file:
 *
 *   ec_lanes                                 eight int32_t
 *   ec_load(p), ec_store(p, v)               eight int32_t at p
 *   ec_same(x)                               eight times x
 *   ec_widen(p)                              eight int8_t at p
 *   ec_plus(a, b)                            a + b
 *   ec_shifted(p, offset, left)              eight int8_t at p, each as (x + offset) * 2^left; left in 16..22
 *   ec_scaling, ec_scaling_of(m, s)          multipliers and shifts (-31..-1), ready to use
 *   ec_scale(v, scaling)                     v * m * 2^(s - 31), rounded twice as TensorFlow Lite Micro does
 *   ec_narrow(v, count, range, p)            1, 2 or 4 vectors to int8_t at p
 *   ec_start(c, channel)                     what the sums of a product begin with
 *   ec_product(t, pixels, groups, w, sums)   sums[pixel * groups + group] += the product of 1 or 4 pixels of the tile and
 *                                            `groups` vectors of channels, whose weights are t->depth * EC_LANES bytes apart
 *   ec_two_taps(a, b, w, width, sums)        sums += a * w[0] + b * w[1], for 8 or 16 channels
 *   EC_GROUPS, EC_GROUPS_OF_ONE              vectors of channels that the registers have room for: with four pixels, with one
 *   EC_KERNELS                               the name of the table
 */
#if defined(EC_KERNELS)

enum { MOST_SUMS = 8 };

EC_INLINE ec_scaling scaling_at(const ec_simd_channels *c, int32_t channel) {
    return ec_scaling_of(ec_load(ec_table(c, channel, EC_MULTIPLIERS)), ec_load(ec_table(c, channel, EC_SHIFTS)));
}

/* `groups` vectors of channels of the tile: the compiler knows how many, and how many pixels. */
EC_INLINE void multiply_groups(const ec_simd_channels *c, const ec_tile *tile, ec_range range, int32_t pixels,
                               int32_t groups, int32_t channel, int8_t *output) {
    const int32_t channels = c->channels;
    const int32_t whole = tile->pixels >= pixels && channel + groups * EC_LANES <= channels;
    ec_lanes sums[MOST_SUMS];
    EC_UNROLL
    for (int32_t i = 0; i < pixels * groups; ++i) {
        sums[i] = ec_start(c, channel + i % groups * EC_LANES);
    }
    ec_product(tile, pixels, groups, c->weights + channel * tile->depth, sums);
    EC_UNROLL
    for (int32_t i = 0; i < pixels * groups; ++i) {
        sums[i] = ec_scale(sums[i], scaling_at(c, channel + i % groups * EC_LANES));
    }
    if (whole) {
        EC_UNROLL
        for (int32_t pixel = 0; pixel < pixels; ++pixel) {
            ec_narrow(sums + pixel * groups, groups, range, output + pixel * channels + channel);
        }
        return;
    }
    int8_t block[MOST_SUMS * EC_LANES];
    EC_UNROLL
    for (int32_t pixel = 0; pixel < pixels; ++pixel) {
        ec_narrow(sums + pixel * groups, groups, range, block + pixel * groups * EC_LANES);
    }
    for (int32_t pixel = 0; pixel < pixels && pixel < tile->pixels; ++pixel) {
        for (int32_t i = 0; i < groups * EC_LANES && channel + i < channels; ++i) {
            output[pixel * channels + channel + i] = block[pixel * groups * EC_LANES + i];
        }
    }
}

EC_INLINE void multiply_tile(const ec_simd_channels *c, const ec_tile *tile, int32_t pixels, int32_t groups,
                             int8_t *output) {
    const ec_range range = c->range;
    int32_t channel = 0;
    for (; channel + groups * EC_LANES <= c->channels; channel += groups * EC_LANES) {
        multiply_groups(c, tile, range, pixels, groups, channel, output);
    }
    for (; channel < c->channels; channel += EC_LANES) {
        multiply_groups(c, tile, range, pixels, 1, channel, output);
    }
}

/* The next pixel: bytes from the first pixel to it, and to the first one of its row. */
typedef struct {
    int32_t row;
    int32_t next;
    int32_t column;
} ec_place;

EC_INLINE void advance(const ec_simd_image *image, ec_place *at, int32_t pixels) {
    at->next += pixels * image->step;
    at->column += pixels;
    if (at->column == image->columns) {
        at->row += image->row_step;
        at->next = at->row;
        at->column = 0;
    }
}

EC_INLINE void take_pixels(const ec_simd_image *image, ec_place *at, ec_tile *tile) {
    if (at->column + EC_TILE_PIXELS <= image->columns) {
        for (int32_t i = 0; i < EC_TILE_PIXELS; ++i) {
            tile->first[i] = image->first + at->next + i * image->step;
        }
        advance(image, at, EC_TILE_PIXELS);
        return;
    }
    for (int32_t i = 0; i < EC_TILE_PIXELS; ++i) {
        tile->first[i] = image->first + at->next;
        if (i + 1 < tile->pixels) {
            advance(image, at, 1);
        }
    }
}

static void product(const ec_simd_channels *c, const ec_simd_image *image, int32_t quads, int8_t *output) {
    const int32_t runs = image->pieces;
    ec_tile tile = {{0, 0, 0, 0}, image->rows * image->columns, runs, quads, image->offsets, runs * quads * EC_QUAD};
    ec_place at = {0, 0, 0};
    for (; tile.pixels > 0; tile.pixels -= EC_TILE_PIXELS) {
        take_pixels(image, &at, &tile);
        if (tile.pixels == 1) {
            multiply_tile(c, &tile, 1, EC_GROUPS_OF_ONE, output);
        } else {
            multiply_tile(c, &tile, EC_TILE_PIXELS, EC_GROUPS, output);
        }
        output += EC_TILE_PIXELS * c->channels;
    }
}

/* `pairs` is known to the compiler where it matters: then weights and places of taps stay in registers. */
EC_INLINE void multiply_taps(const ec_simd_channels *c, const ec_simd_image *image, const int32_t *offsets,
                             int32_t pairs, int32_t entry, int32_t width, int8_t *restrict output) {
    const int32_t halves = width / EC_LANES, columns = image->columns, step = image->step, channels = c->channels;
    const int8_t *const weights = c->weights + entry * 2 * pairs;
    const ec_range range = c->range;
    ec_lanes start[2];
    EC_UNROLL
    for (int32_t half = 0; half < halves; ++half) {
        start[half] = ec_load(ec_table(c, entry + half * EC_LANES, EC_BIAS));
    }
    for (int32_t row = 0; row < image->rows; ++row) {
        const int8_t *first = image->first + row * image->row_step;
        for (int32_t left = columns; left > 0; output += channels) {
            ec_lanes sums[2] = {start[0], start[halves - 1]};
            for (int32_t pair = 0; pair < pairs; ++pair) {
                const int32_t *two = offsets + 2 * pair;
                ec_two_taps(first + two[0], first + two[1], weights + pair * 2 * width, width, sums);
            }
            EC_UNROLL
            for (int32_t half = 0; half < halves; ++half) {
                sums[half] = ec_scale(sums[half], scaling_at(c, entry + half * EC_LANES));
            }
            ec_narrow(sums, halves, range, output);
            first += --left > 0 ? step : 0; /* never leaves the frame */
        }
    }
}

enum { PAIRS_OF_3X3 = 5 };

/* The copy of the offsets stays in registers. */
EC_INLINE void multiply_3x3(const ec_simd_channels *c, const ec_simd_image *image, int32_t entry, int32_t width,
                            int8_t *output) {
    int32_t offsets[2 * PAIRS_OF_3X3];
    __builtin_memcpy(offsets, image->offsets, sizeof offsets);
    multiply_taps(c, image, offsets, PAIRS_OF_3X3, entry, width, output);
}

static void depthwise(const ec_simd_channels *c, const ec_simd_image *image, int32_t entry, int32_t width,
                      int8_t *output) {
    const int32_t is_3x3 = image->pieces == 2 * PAIRS_OF_3X3, is_wide = width > EC_LANES;
    if (is_3x3 && is_wide) {
        multiply_3x3(c, image, entry, 2 * EC_LANES, output);
    } else if (is_3x3) {
        multiply_3x3(c, image, entry, EC_LANES, output);
    } else if (is_wide) {
        multiply_taps(c, image, image->offsets, image->pieces / 2, entry, 2 * EC_LANES, output);
    } else {
        multiply_taps(c, image, image->offsets, image->pieces / 2, entry, EC_LANES, output);
    }
}

enum { HALF = 19 }; /* (a / 2) * 2^20 */

static void add(const ec_simd_sum *p, const int8_t *a, const int8_t *b, int32_t count, int8_t *output) {
    const ec_simd_sum s = *p; /* a copy: a store of an output could change the original as far as a compiler knows */
    const ec_scaling scaling_b = ec_scaling_of(ec_same(s.multiplier_b), ec_same(s.shift_b));
    const ec_scaling scaling = ec_scaling_of(ec_same(s.multiplier), ec_same(s.shift));
    for (int32_t i = 0; i < count; i += 2 * EC_LANES) {
        ec_lanes sums[2];
        EC_UNROLL
        for (int32_t half = 0; half < 2; ++half) {
            const int32_t at = i + half * EC_LANES;
            const ec_lanes scaled = ec_scale(ec_shifted(b + at, s.offset_b, s.left_b), scaling_b);
            sums[half] = ec_scale(ec_plus(ec_shifted(a + at, s.offset_a, HALF), scaled), scaling);
        }
        ec_narrow(sums, 2, s.range, output + i);
    }
}

static void pool(const int8_t *input, int32_t rows, int32_t columns, int32_t stride, int32_t step, int32_t *sums) {
    ec_lanes sum = ec_same(0);
    for (int32_t y = 0; y < rows; ++y) {
        for (int32_t x = 0; x < columns; ++x) {
            sum = ec_plus(sum, ec_widen(input + y * stride + x * step));
        }
    }
    ec_store(sums, sum);
}

const ec_simd_kernels EC_KERNELS = {product, depthwise, add, pool};

#endif
