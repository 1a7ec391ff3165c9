/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* The inner loops for processors whose registers hold vectors: one set of them per instruction set, chosen at run time.
 * Everything is done for eight output channels at a time; tables of channels are filled up to a multiple of eight. */
#ifndef EC_SIMD_H
#define EC_SIMD_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    EC_LANES = 8,       /* output channels of a vector */
    EC_QUAD = 4,        /* inputs that are multiplied together: four bytes of each channel lie side by side */
    EC_TILE_PIXELS = 4, /* output pixels that share what is loaded of the weights */
};

/* EC_UNROLL comes before loops over sums that must stay in registers. */
#if defined(__GNUC__)
#define EC_INLINE static inline __attribute__((always_inline))
#define EC_UNROLL _Pragma("GCC unroll 16")
#else
#define EC_INLINE static inline
#define EC_UNROLL
#endif

/* What is added to a scaled value, and where the result is cut off. */
typedef struct {
    int32_t offset;
    int32_t low;
    int32_t high;
} ec_range;

/* From the sums of a layer to its outputs. It was proven offline that sums stay within 2^30 and factors below one half. */
typedef struct {
    int32_t channels;
    const int8_t *weights; /* of a product: by vectors, then by runs and quads [EC_LANES][EC_QUAD]; none is -128 */
    const int32_t *tables; /* [EC_TABLES][EC_LANES] for every vector */
    ec_range range;
} ec_simd_channels;

enum {
    EC_BIAS,        /* holds what the input's zero point adds */
    EC_WEIGHT_SUMS, /* what inputs larger by one everywhere would add */
    EC_MULTIPLIERS,
    EC_SHIFTS, /* -31..-1 */
    EC_TABLES,
};

static inline const int32_t *ec_table(const ec_simd_channels *c, int32_t channel, int32_t table) {
    return c->tables + channel * EC_TABLES + table * EC_LANES;
}

/* The inputs of output pixels: piece i (a run of inputs, a tap) of output (y, x) begins at
 * first + y * row_step + x * step + offsets[i]. */
typedef struct {
    const int8_t *first;
    int32_t rows;
    int32_t columns;
    int32_t row_step;
    int32_t step;
    int32_t pieces;
    const int32_t *offsets;
} ec_simd_image;

/* Some of those pixels: what inner loops take. */
typedef struct {
    const int8_t *first[EC_TILE_PIXELS];
    int32_t pixels; /* that there are, 1 or more; the others repeat some */
    int32_t runs;
    int32_t quads; /* of a run */
    const int32_t *offsets;
    int32_t depth; /* weights of an output */
} ec_tile;

/* ADD on a scale with 20 fractional bits: (a + offset_a) / 2, since it is the operand with the larger scale, and
 * (b + offset_b) * 2^left_b * multiplier_b * 2^(shift_b - 31); their sum is scaled to the output. Shifts are -31..-1. */
typedef struct {
    int32_t offset_a;
    int32_t offset_b;
    int32_t left_b; /* 20 or 21 */
    int32_t multiplier_b;
    int32_t shift_b;
    int32_t multiplier;
    int32_t shift;
    ec_range range;
} ec_simd_sum;

typedef struct {
    /* all channels of all pixels; the pieces are runs of `quads`, and from the last quad on 12 bytes more can be read */
    void (*product)(const ec_simd_channels *c, const ec_simd_image *image, int32_t quads, int8_t *output);
    /* 8 or 16 channels (the width) of all pixels; the pieces are taps, an even number; tables and weights, [2][width] for
     * every pair of taps, begin at `entry` */
    void (*depthwise)(const ec_simd_channels *c, const ec_simd_image *image, int32_t entry, int32_t width,
                      int8_t *output);
    /* count values, a multiple of EC_LANES * 2 */
    void (*add)(const ec_simd_sum *p, const int8_t *a, const int8_t *b, int32_t count, int8_t *output);
    /* EC_LANES channels: the sums of rows * columns inputs */
    void (*pool)(const int8_t *input, int32_t rows, int32_t columns, int32_t stride, int32_t step, int32_t *sums);
} ec_simd_kernels;

/* The fastest that this processor has. */
const ec_simd_kernels *ec_simd(void);

#ifdef __cplusplus
}
#endif

#endif
