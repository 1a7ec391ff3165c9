/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* CONV_2D, int8, that multiplies by those weights only that are not zero, for processors with 16-bit multiplication: the inputs of
 * eight output pixels are laid side by side, then every output channel goes over them by its list of weights. Pixels go row by row;
 * all inputs of eight pixels are read before any of their outputs is written. */
#include "ec_conv_2d_sparse.h"

typedef ec_conv_2d_sparse_params params;
typedef void (*gemm_function)(const uint32_t *lanes, const ec_gemm_sparse *job);

static inline void convolve(const params *p, const int8_t *input, int8_t *output, uint32_t *lanes, gemm_function gemm) {
    const ec_window *w = &p->strip.window;
    ec_lanes_begin(&p->strip, lanes);
    for (int32_t batch = 0; batch < w->batches; ++batch) {
        ec_strip_place place = {0, 0};
        while (place.y < w->out_height) {
            const int32_t pixels = ec_lanes_fill(&p->strip, input, &place, lanes);
            const ec_gemm_sparse job = {
                p->lists, p->scalings, output, p->out_pitch, p->out_channels, pixels, p->output_zero_point, p->values,
            };
            gemm(lanes, &job);
            output += pixels * p->out_pitch;
        }
        input += w->in_height * w->in_width * p->strip.channels;
    }
}

void ec_conv_2d_sparse_shared_relu(const params *p, const int8_t *input, int8_t *output, void *scratch) {
    convolve(p, input, output, (uint32_t *)scratch, ec_gemm_sparse_shared_relu);
}

void ec_conv_2d_sparse_shared_linear(const params *p, const int8_t *input, int8_t *output, void *scratch) {
    convolve(p, input, output, (uint32_t *)scratch, ec_gemm_sparse_shared_linear);
}

void ec_conv_2d_sparse_any_relu(const params *p, const int8_t *input, int8_t *output, void *scratch) {
    convolve(p, input, output, (uint32_t *)scratch, ec_gemm_sparse_any_relu);
}

void ec_conv_2d_sparse_any_linear(const params *p, const int8_t *input, int8_t *output, void *scratch) {
    convolve(p, input, output, (uint32_t *)scratch, ec_gemm_sparse_any_linear);
}
