/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* CONV_2D and FULLY_CONNECTED, int8, for vectors: the products of four output pixels at a time with all weights. */
#include "ec_conv_2d_simd.h"

void ec_conv_2d_simd_framed(const ec_conv_2d_simd_params *p, const int8_t *input, int8_t *output,
                            void *scratch) {
    const ec_frame *f = &p->frame;
    ec_simd_image image = {0, f->out_height, f->out_width, f->row_step, f->pixel_step, p->runs, p->offsets};
    for (int32_t batch = 0; batch < f->batches; ++batch) {
        image.first = ec_framed(f, input, scratch);
        ec_simd()->product(&p->channels, &image, p->quads, output);
        input += f->in_rows * f->in_row_bytes;
        output += f->out_height * f->out_width * p->channels.channels;
    }
}

void ec_conv_2d_simd(const ec_conv_2d_simd_params *p, const int8_t *input, int8_t *output) {
    ec_conv_2d_simd_framed(p, input, output, 0);
}
