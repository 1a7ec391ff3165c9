/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* CONV_2D, int8, for processors that multiply one pair of numbers at a time: the inputs of four output pixels are gathered
 * once into a strip, two pixels in each word, so that one multiplication serves two. Goes through the output's pixels in
 * row-major order, four at a time, and reads their inputs before it writes them. */
#include "ec_conv_2d_single.h"

#include "ec_pixels_4.h"

/* The output channels beyond the last eight, one at a time. */
static void multiply_rest(const ec_conv_2d_single_params *p, const ec_block *b, const int8_t *weights) {
    for (int32_t channel = b->channels; channel < p->out_channels; ++channel) {
        const uint32_t *strip = (const uint32_t *)b->first;
        const uint32_t start = (uint32_t)p->ramps.starts[channel];
        uint32_t sums[EC_BLOCK_PIXELS] = {start, start, start, start};
        for (; (const void *)strip != b->end; strip += 2, ++weights) {
            const uint32_t weight = (uint32_t)(int32_t)*weights;
            for (int32_t pair = 0; pair < 2; ++pair) {
                const uint32_t low = (uint32_t)(int32_t)(int16_t)strip[pair];
                sums[2 * pair] += low * weight;
                sums[2 * pair + 1] += (uint32_t)((int32_t)(strip[pair] - low) >> 16) * weight;
            }
        }
        for (int32_t i = 0; i < EC_BLOCK_PIXELS; ++i) {
            b->outputs[i][channel] = ec_ramp_output(&p->ramps, channel, sums[i]);
        }
    }
}

/* All output channels of the strip's pixels. */
static inline __attribute__((always_inline)) void multiply_lanes(const ec_conv_2d_single_params *p, const uint32_t *strip, int8_t *output, int32_t pixels) {
    const int32_t channels = p->out_channels - p->out_channels % EC_BLOCK_LANES;
    ec_block b = ec_block_of(&p->ramps, channels, output, pixels, p->out_pitch);
    b.first = strip;
    b.end = strip + 2 * p->depth;
    b.weights = p->weights;
    b.weights_step = EC_BLOCK_LANES * (p->depth - 1);
    b.runs = p->runs;
    if (channels > 0) {
        ec_block_run(&b, &p->ramps, ec_block_gemm);
    }
    multiply_rest(p, &b, p->weights + channels * p->depth);
}

/* The same of weights [out_channels][depth]. */
static inline __attribute__((always_inline)) void multiply_rows(const ec_conv_2d_single_params *p, const uint32_t *strip, int8_t *output, int32_t pixels) {
    ec_block b = ec_block_of(&p->ramps, p->out_channels, output, pixels, p->out_pitch);
    b.first = strip;
    b.end = strip + 2 * p->depth;
    b.weights = p->weights;
    ec_block_run(&b, &p->ramps, ec_block_rows);
}

typedef void (*multiplication)(const ec_conv_2d_single_params *p, const uint32_t *strip, int8_t *output, int32_t pixels);

static inline __attribute__((always_inline)) void convolve(const ec_conv_2d_single_params *p, const int8_t *input,
                                                           int8_t *output, void *scratch, multiplication multiply) {
    const ec_window *w = &p->window;
    uint32_t *strip = (uint32_t *)scratch;
    int8_t *zeros = (int8_t *)(strip + 2 * p->depth);
    for (int32_t i = 0; i < p->in_channels; ++i) {
        zeros[i] = (int8_t)p->zero_point;
    }
    for (int32_t batch = 0; batch < w->batches; ++batch) {
        ec_position next = {0, 0}, origins[EC_BLOCK_PIXELS];
        while (next.y < w->out_height) {
            const int32_t pixels = ec_next_pixels(w, &next, origins);
            ec_pack_pixels(w, p->in_channels, input, zeros, origins, strip);
            multiply(p, strip, output, pixels);
            output += pixels * p->out_pitch;
        }
        input += w->in_height * w->in_width * p->in_channels;
    }
}

void ec_conv_2d_single(const ec_conv_2d_single_params *p, const int8_t *input, int8_t *output, void *scratch) {
    convolve(p, input, output, scratch, multiply_lanes);
}

void ec_conv_2d_single_rows(const ec_conv_2d_single_params *p, const int8_t *input, int8_t *output, void *scratch) {
    convolve(p, input, output, scratch, multiply_rows);
}
