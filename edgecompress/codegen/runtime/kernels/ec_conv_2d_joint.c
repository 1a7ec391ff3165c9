/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* CONV_2D, int8, for processors with dual 16-bit multiplication: the inputs of four output pixels are widened once into a
 * strip, then every pair of output channels is a product of that strip with its weights. Pixels go row by row; all inputs of
 * four pixels are read before any of their outputs is written. */
#include "ec_conv_2d_joint.h"

typedef void (*gemm_function)(const uint32_t *strip, const ec_gemm_joint *job);

static inline void convolve(const ec_conv_2d_joint_params *p, const int8_t *input, int8_t *output, uint32_t *strip,
                            gemm_function four, gemm_function one) {
    const ec_window *w = &p->strip.window;
    for (int32_t batch = 0; batch < w->batches; ++batch) {
        ec_strip_place place = {0, 0};
        while (place.y < w->out_height) {
            const int32_t pixels = ec_strip_fill(&p->strip, input, &place, strip);
            const gemm_function gemm = pixels == 1 ? one : four;
            ec_gemm_joint job = {
                p->weights,         p->scalings,          output, p->out_pitch, p->out_channels / 2,
                p->strip.depth / 2, p->output_zero_point,
            };
            if (p->out_channels > 1) {
                gemm(strip, &job);
            }
            if (p->out_channels % 2 != 0) {
                job.weights += (p->out_channels - 1) * p->strip.depth;
                job.scalings += 2 * (p->out_channels - 1);
                job.output += p->out_channels - 2;
                job.channel_pairs = 1;
                gemm(strip, &job);
            }
            output += pixels * p->out_pitch;
        }
        input += w->in_height * w->in_width * p->strip.channels;
    }
}

void ec_conv_2d_joint_relu(const ec_conv_2d_joint_params *p, const int8_t *input, int8_t *output, void *scratch) {
    convolve(p, input, output, (uint32_t *)scratch, ec_gemm_joint_relu, ec_gemm_joint_one_relu);
}

void ec_conv_2d_joint_linear(const ec_conv_2d_joint_params *p, const int8_t *input, int8_t *output, void *scratch) {
    convolve(p, input, output, (uint32_t *)scratch, ec_gemm_joint_linear, ec_gemm_joint_one_linear);
}
