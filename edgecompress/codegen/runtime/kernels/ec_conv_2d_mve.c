/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* CONV_2D, int8, for processors with a vector unit: the inputs of three output pixels are multiplied with the weights of all
 * output channels, line by line of the window from where they are. Windows that reach beyond the input, or whose lines are
 * too short for that, are laid side by side first.
 *
 * Three pixels at a time in row-major order. After every EC_GEMM_BLOCK output channels these outputs are written, and the
 * inputs are read again for the next. */
#include "ec_conv_2d_mve.h"

#include "ec_gemm_3x2_mve.h"
#include "ec_requantization_mve.h"

/* `count` bytes of each of some lines; the steps are from line to line. */
static __attribute__((noinline)) void copy_lines(int8_t *to, int32_t to_step, const int8_t *from, int32_t from_step,
                                                 int32_t lines, int32_t count) {
    for (; lines > 0; --lines, to += to_step, from += from_step) {
#if EC_HAS_MVE
        for (int32_t i = 0; i < count; i += 16) {
            const mve_pred16_t left = vctp8q((uint32_t)(count - i));
            vstrbq_p_s8(to + i, vldrbq_z_s8(from + i, left), left);
        }
#else
        for (int32_t i = 0; i < count; ++i) {
            to[i] = from[i];
        }
#endif
    }
}

static void fill(int8_t *to, int8_t value, int32_t count) {
#if EC_HAS_MVE
    for (int32_t i = 0; i < count; i += 16) {
        vstrbq_p_s8(to + i, vdupq_n_s8(value), vctp8q((uint32_t)(count - i)));
    }
#else
    for (int32_t i = 0; i < count; ++i) {
        to[i] = value;
    }
#endif
}

/* The inputs of any window, its first tap at the input's (y, x), side by side, with the zero point outside the input. */
static __attribute__((noinline)) void gather_taps(const ec_conv_2d_mve_params *p, const int8_t *input, int32_t y,
                                                  int32_t x, int8_t *to) {
    const ec_window *w = &p->window;
    const int32_t channels = p->in_channels, line = w->in_width * channels;
    const ec_taps rows = ec_taps_inside(y, w->filter_height, w->dilation_height, w->in_height);
    const ec_taps columns = ec_taps_inside(x, w->filter_width, w->dilation_width, w->in_width);
    const int32_t height = rows.end - rows.first, width = columns.end - columns.first;
    fill(to, (int8_t)p->zero_point, p->lines * p->depth);
    y += rows.first * w->dilation_height;
    x += columns.first * w->dilation_width;
    to += (rows.first * w->filter_width + columns.first) * channels;
    const int8_t *from = input + y * line + x * channels;
    /* without dilation the taps of a row are one run */
    const int32_t runs = w->dilation_width == 1 ? 1 : width, run = w->dilation_width == 1 ? width * channels : channels;
    for (int32_t i = 0; i < runs; ++i) {
        copy_lines(to, w->filter_width * channels, from, w->dilation_height * line, height, run);
        to += channels;
        from += w->dilation_width * channels;
    }
}

/* The same, shorter where all of the window is inside the input. */
static void gather(const ec_conv_2d_mve_params *p, const int8_t *input, int32_t y, int32_t x, int8_t *to) {
    const ec_window *w = &p->window;
    const int32_t is_inside = y >= 0 && x >= 0 && y + w->filter_height <= w->in_height && x + w->filter_width <= w->in_width;
    if (is_inside && w->dilation_height * w->dilation_width == 1) {
        const int32_t run = w->filter_width * p->in_channels, line = w->in_width * p->in_channels;
        copy_lines(to, run, input + y * line + x * p->in_channels, line, w->filter_height, run);
    } else {
        gather_taps(p, input, y, x, to);
    }
}

/* An output pixel: how many are left in its row, and where its window begins in the input. */
typedef struct {
    int32_t left, y, x;
} position;

static inline position advance(const ec_window *w, position at, int32_t pixels) {
    at.left -= pixels;
    at.x += pixels * w->stride_width;
    while (at.left <= 0) {
        at.left += w->out_width;
        at.x -= w->out_width * w->stride_width;
        at.y += w->stride_height;
    }
    return at;
}

/* The inputs of some pixels, side by side; the last one's serve for those that are missing to three. */
static __attribute__((noinline)) void gather_pixels(const ec_conv_2d_mve_params *p, const int8_t *input, position at,
                                                    int32_t pixels, int8_t *to, ec_gemm_3x2_mve_block *block) {
    for (int32_t i = 0; i < EC_GEMM_PIXELS; ++i) {
        if (i < pixels) {
            to += i == 0 ? 0 : p->lines * p->depth;
            gather(p, input, at.y, at.x, to);
            at = advance(&p->window, at, 1);
        }
        block->inputs[i] = to;
    }
}

/* All output channels of three pixels. */
static void multiply(const ec_conv_2d_mve_params *p, const ec_requantization_mve *requantization,
                     ec_gemm_3x2_mve_block *block, int8_t *const *outputs) {
    block->weights = p->weights;
    for (int32_t first = 0; first < p->out_channels; first += EC_GEMM_BLOCK) {
        const int32_t left = p->out_channels - first, channels = left < EC_GEMM_BLOCK ? left : EC_GEMM_BLOCK;
        int8_t *to[EC_GEMM_PIXELS] = {outputs[0] + first, outputs[1] + first, outputs[2] + first};
        block->pairs = (channels + 1) / 2;
        block->weights = ec_gemm_3x2_mve(block);
        ec_requantize_3(requantization, first, channels, block->sums, to);
    }
}

void ec_conv_2d_mve(const ec_conv_2d_mve_params *p, const int8_t *input, int8_t *output, void *scratch) {
    const ec_window *w = &p->window;
    const int32_t channels = p->out_channels < EC_GEMM_BLOCK ? p->out_channels : EC_GEMM_BLOCK;
    const int32_t end_y = w->in_height - (w->filter_height - 1) * w->dilation_height;
    /* a window of one position that moves by one goes over one long row */
    const int32_t is_line = w->filter_height * w->filter_width * w->stride_height * w->stride_width == 1;
    const int32_t width = is_line ? w->out_height * w->out_width : w->out_width;
    const int32_t end_x = is_line ? width : w->in_width - (w->filter_width - 1) * w->dilation_width;
    const int32_t gap = p->depth - (p->depth + 15) / 16 * 16; /* where lines lie side by side */
    ec_gemm_3x2_mve_block block = {.depth = p->depth, .sums = (int32_t *)scratch, .lines = p->lines};
    int8_t *const rows = (int8_t *)(block.sums + (channels + 3) / 4 * 4 * EC_GEMM_PIXELS);
    ec_requantization_mve requantization;
    ec_prepare_requantization(&p->requantization, p->bias, &requantization);
    for (int32_t batch = 0; batch < w->batches; ++batch) {
        position at = {width, -w->pad_top, -w->pad_left};
        for (int32_t left = w->out_height * w->out_width; left > 0;) {
            const int32_t pixels = left < EC_GEMM_PIXELS ? left : EC_GEMM_PIXELS;
            /* the last pixel again, to the same place, where there are fewer than three */
            const int32_t second = pixels > 1, third = pixels > 2 ? 2 : second;
            if (p->line_step > 0 && pixels <= at.left && at.y >= 0 && at.y < end_y && at.x >= 0 &&
                at.x + third * w->stride_width < end_x) {
                const int8_t *from = input + (at.y * w->in_width + at.x) * p->in_channels;
                const int32_t step = w->stride_width * p->in_channels;
                block.inputs[0] = from;
                block.inputs[1] = from + second * step;
                block.inputs[2] = from + third * step;
                block.gap = gap + p->line_step - p->depth;
            } else {
                gather_pixels(p, input, at, pixels, rows, &block);
                block.gap = gap;
            }
            int8_t *const outputs[] = {output, output + second * p->out_pitch, output + third * p->out_pitch};
            multiply(p, &requantization, &block, outputs);
            output += pixels * p->out_pitch;
            at = advance(w, at, pixels);
            left -= pixels;
        }
        input += w->in_height * w->in_width * p->in_channels;
    }
}
