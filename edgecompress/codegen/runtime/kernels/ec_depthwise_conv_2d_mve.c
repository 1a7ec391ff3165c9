/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* DEPTHWISE_CONV_2D, int8, one output channel per input channel, for processors with a vector unit: 16 channels at a time,
 * of several pixels where one has few.
 * The products of two taps are added in 16 bits, where they fit (proven offline), the pairs in 32 bits. Taps outside the
 * input read a line of zero points.
 *
 * Pixels in row-major order. A pixel's outputs are written by 16 channels; those of the next 16 are computed from
 * other channels of the same inputs, which are read after that. */
#include "ec_depthwise_conv_2d_mve.h"

#include "ec_requantization_mve.h"

enum { LANES = 16, TABLE = LANES / 4 + 2 * LANES, BIASES = LANES / 4, MULTIPLIERS = BIASES + LANES };

/* What 16 channels need, of one pixel or of a few neighbours. */
typedef struct {
    const int8_t *inputs; /* where the taps are counted from, and of which channel */
    const int32_t *taps;  /* their distances from there */
    int32_t count;        /* of taps */
    int32_t channels;     /* how many are left, of all pixels; from 16 on all 16 are computed */
    const int8_t *weights;
    const int32_t *table;
} group;

#if EC_HAS_MVE

/* Channels (0, 4, 8, 12), (2, 6, 10, 14), (1, 5, 9, 13), (3, 7, 11, 15): what halving lanes twice makes of 16. */
typedef struct {
    int32x4_t a, b, c, d;
} sums;

#define WIDEN                                                                                                          \
    "vmovlb.s16 %q[x], %q[even]\n\t"                                                                                   \
    "vadd.i32 %q[a], %q[a], %q[x]\n\t"                                                                                 \
    "vmovlt.s16 %q[even], %q[even]\n\t"                                                                                \
    "vadd.i32 %q[b], %q[b], %q[even]\n\t"                                                                              \
    "vmovlb.s16 %q[x], %q[odd]\n\t"                                                                                    \
    "vadd.i32 %q[c], %q[c], %q[x]\n\t"                                                                                 \
    "vmovlt.s16 %q[odd], %q[odd]\n\t"                                                                                  \
    "vadd.i32 %q[d], %q[d], %q[odd]\n\t"
#define TEMPORARIES(s)                                                                                                 \
    [a] "+w"((s)->a), [b] "+w"((s)->b), [c] "+w"((s)->c), [d] "+w"((s)->d), [even] "=&w"(even), [odd] "=&w"(odd),      \
        [x] "=&w"(x), [w] "=&w"(w)

/* All taps of 16 channels. With all registers in use, the second inputs of a pair are loaded twice: compilers would store
 * sums instead. */
static inline __attribute__((always_inline)) void add_taps(const group *g, sums *s) {
    const int32_t *tap = g->taps;
    const int8_t *weights = g->weights;
    int8x16_t x, w;
    int16x8_t even, odd;
    for (int32_t pair = 0; pair < g->count / 2; ++pair, tap += 2) {
        __asm__("vldrb.8 %q[x], [%[first]]\n\t"
                "vldrb.8 %q[w], [%[weights]], #16\n\t"
                "vmullb.s8 %q[even], %q[x], %q[w]\n\t"
                "vmullt.s8 %q[odd], %q[x], %q[w]\n\t"
                "vldrb.8 %q[x], [%[second]]\n\t"
                "vldrb.8 %q[w], [%[weights]], #16\n\t"
                "vmullb.s8 %q[x], %q[x], %q[w]\n\t"
                "vadd.i16 %q[even], %q[even], %q[x]\n\t"
                "vldrb.8 %q[x], [%[second]]\n\t"
                "vmullt.s8 %q[x], %q[x], %q[w]\n\t"
                "vadd.i16 %q[odd], %q[odd], %q[x]\n\t" WIDEN
                : TEMPORARIES(s), [weights] "+r"(weights)
                : [first] "r"(g->inputs + tap[0]), [second] "r"(g->inputs + tap[1])
                : "memory");
    }
    if (g->count % 2) {
        __asm__("vldrb.8 %q[x], [%[first]]\n\t"
                "vldrb.8 %q[w], [%[weights]]\n\t"
                "vmullb.s8 %q[even], %q[x], %q[w]\n\t"
                "vmullt.s8 %q[odd], %q[x], %q[w]\n\t" WIDEN
                : TEMPORARIES(s)
                : [weights] "r"(weights), [first] "r"(g->inputs + tap[0])
                : "memory");
    }
}

/* The same of fewer channels: no input beyond them is read. */
static inline __attribute__((always_inline)) void add_taps_of_rest(const group *g, sums *s) {
    const mve_pred16_t left = vctp8q((uint32_t)g->channels);
    for (int32_t tap = 0; tap < g->count; tap += 2) {
        int8x16_t x = vldrbq_z_s8(g->inputs + g->taps[tap], left), w = vldrbq_s8(g->weights + LANES * tap);
        int16x8_t even = vmullbq_int_s8(x, w), odd = vmulltq_int_s8(x, w);
        if (tap + 1 < g->count) {
            x = vldrbq_z_s8(g->inputs + g->taps[tap + 1], left);
            w = vldrbq_s8(g->weights + LANES * tap + LANES);
            even = vaddq_s16(even, vmullbq_int_s8(x, w));
            odd = vaddq_s16(odd, vmulltq_int_s8(x, w));
        }
        s->a = vaddq_s32(s->a, vmovlbq_s16(even));
        s->b = vaddq_s32(s->b, vmovltq_s16(even));
        s->c = vaddq_s32(s->c, vmovlbq_s16(odd));
        s->d = vaddq_s32(s->d, vmovltq_s16(odd));
    }
}

static inline int32x4_t step_down(int32x4_t x) {
    return vaddq_s32(x, vshrq_n_s32(x, 31));
}

static inline int16x8_t narrow(int32x4_t even, int32x4_t odd) {
    return vqmovntq_s32(vqmovnbq_s32(vreinterpretq_s16_s32(even), even), odd);
}

static inline __attribute__((always_inline)) void multiply(const group *g, ec_quick_range r, int8_t *output,
                                                           const int is_whole) {
    const int32_t *bias = g->table + BIASES, *factors = g->table + MULTIPLIERS;
    const int8_t *shifts = (const int8_t *)g->table;
    sums s = {vldrwq_s32(bias), vldrwq_s32(bias + 4), vldrwq_s32(bias + 8), vldrwq_s32(bias + 12)};
    if (is_whole) {
        add_taps(g, &s);
    } else {
        add_taps_of_rest(g, &s);
    }
    s.a = vqrdmulhq_s32(s.a, vldrwq_s32(factors));
    s.b = vqrdmulhq_s32(s.b, vldrwq_s32(factors + 4));
    s.c = vqrdmulhq_s32(s.c, vldrwq_s32(factors + 8));
    s.d = vqrdmulhq_s32(s.d, vldrwq_s32(factors + 12));
    if (r.low < r.offset) {
        s = (sums){step_down(s.a), step_down(s.b), step_down(s.c), step_down(s.d)};
    }
    s.a = vrshlq_s32(s.a, vldrbq_s32(shifts));
    s.b = vrshlq_s32(s.b, vldrbq_s32(shifts + 4));
    s.c = vrshlq_s32(s.c, vldrbq_s32(shifts + 8));
    s.d = vrshlq_s32(s.d, vldrbq_s32(shifts + 12));
    const int16_t offset = (int16_t)r.offset;
    const int16x8_t even = vqaddq_n_s16(narrow(s.a, s.b), offset), odd = vqaddq_n_s16(narrow(s.c, s.d), offset);
    int8x16_t result = vqmovntq_s16(vqmovnbq_s16(vreinterpretq_s8_s16(even), even), odd);
    if (r.low > INT8_MIN || r.high < INT8_MAX) {
        result = vmaxq_s8(result, vdupq_n_s8((int8_t)r.low));
        result = vminq_s8(result, vdupq_n_s8((int8_t)r.high));
    }
    if (is_whole) {
        vstrbq_s8(output, result);
    } else {
        vstrbq_p_s8(output, result, vctp8q((uint32_t)g->channels));
    }
}

#else

/* The place of channel i of 16 in the order that the vectors have. */
static int32_t place_of(int32_t i) {
    static const int32_t vectors[4] = {0, 8, 4, 12};
    return vectors[i % 4] + i / 4;
}

static void multiply(const group *g, ec_quick_range r, int8_t *output, int is_whole) {
    for (int32_t i = 0; i < (is_whole ? LANES : g->channels); ++i) {
        const int32_t place = place_of(i), shift = -((const int8_t *)g->table)[place];
        const ec_quick_channel channel = {g->table[MULTIPLIERS + place], shift, (int32_t)(UINT32_C(1) << (shift - 1))};
        uint32_t sum = (uint32_t)g->table[BIASES + place];
        for (int32_t tap = 0; tap < g->count; ++tap) {
            sum += (uint32_t)(g->inputs[g->taps[tap] + i] * g->weights[LANES * tap + i]);
        }
        output[i] = ec_quick_requantize(r, channel, sum);
    }
}

#endif

/* Where the taps of a window are, from the input's first pixel, its own first at (y, x); those outside are at `outside`. */
static __attribute__((noinline)) void find_taps(const ec_window *w, int32_t channels, int32_t y, int32_t x,
                                                int32_t outside, int32_t *taps) {
    const int32_t width = w->filter_width, columns = w->in_width, dilation = w->dilation_width;
    const int32_t step = dilation * channels, line = w->dilation_height * columns * channels;
    int32_t first = (y * columns + x) * channels;
    for (int32_t ky = 0; ky < w->filter_height; ++ky, y += w->dilation_height, first += line) {
        const uint32_t end = y >= 0 && y < w->in_height ? (uint32_t)columns : 0;
        int32_t tap = first;
        EC_FEW_ROUNDS
        for (int32_t kx = 0, column = x; kx < width; ++kx, column += dilation, tap += step) {
            *taps++ = (uint32_t)column < end ? tap : outside;
        }
    }
}

static void multiply_pixels(const ec_depthwise_conv_2d_mve_params *p, group g, int8_t *output) {
    const ec_quick_range range = {p->output_offset, p->activation_min, p->activation_max};
    for (; g.channels >= LANES; g.channels -= LANES) {
        multiply(&g, range, output, 1);
        output += LANES;
        g.inputs += LANES;
        g.weights += LANES * g.count;
        g.table += TABLE;
    }
    if (g.channels > 0) {
        multiply(&g, range, output, 0);
    }
}

void ec_depthwise_conv_2d_mve(const ec_depthwise_conv_2d_mve_params *p, const int8_t *input, int8_t *output,
                              void *scratch) {
    const ec_window *w = &p->window;
    const int32_t count = w->filter_height * w->filter_width;
    const int32_t last_y = w->in_height - 1 - (w->filter_height - 1) * w->dilation_height;
    const int32_t last_x = w->in_width - 1 - (w->filter_width - 1) * w->dilation_width;
    int32_t taps[EC_DEPTHWISE_MVE_MOST_TAPS], all_inside[EC_DEPTHWISE_MVE_MOST_TAPS];
    int8_t *zeros = (int8_t *)scratch;
    for (int32_t i = 0; i < p->channels; ++i) {
        zeros[i] = (int8_t)p->zero_point;
    }
    find_taps(w, p->channels, 0, 0, 0, all_inside);
    for (int32_t batch = 0; batch < w->batches; ++batch) {
        for (int32_t y = -w->pad_top, row = 0; row < w->out_height; ++row, y += w->stride_height) {
            for (int32_t x = -w->pad_left, column = 0; column < w->out_width;) {
                const int is_inside = y >= 0 && y <= last_y && x >= 0 && x <= last_x;
                const int32_t pixels = is_inside && x + p->together - 1 <= last_x ? p->together : 1;
                if (!is_inside) {
                    find_taps(w, p->channels, y, x, (int32_t)(zeros - input), taps);
                }
                const int8_t *inputs = is_inside ? input + (y * w->in_width + x) * p->channels : input;
                const group g = {inputs, is_inside ? all_inside : taps, count, pixels * p->channels, p->weights, p->tables};
                multiply_pixels(p, g, output);
                output += pixels * p->channels;
                column += pixels;
                x += pixels * w->stride_width;
            }
        }
        input += w->in_height * w->in_width * p->channels;
    }
}
