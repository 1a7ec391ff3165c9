/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* DEPTHWISE_CONV_2D, int8, one output channel per input channel, for vectors that run across the channels. */
#include "ec_depthwise_conv_2d_simd.h"

void ec_depthwise_conv_2d_simd_framed(const ec_depthwise_conv_2d_simd_params *p, const int8_t *input, int8_t *output,
                                      void *scratch) {
    const ec_frame *f = &p->frame;
    const int32_t channels = p->channels.channels;
    ec_simd_image image = {0, f->out_height, f->out_width, f->row_step, f->pixel_step, p->taps, p->offsets};
    for (int32_t batch = 0; batch < f->batches; ++batch) {
        const int8_t *frame = ec_framed(f, input, scratch);
        int32_t entry = 0;
        for (int32_t next = 0; next < channels; next += p->width, entry += p->width) {
            const int32_t channel = next + p->width <= channels ? next : channels - p->width;
            image.first = frame + channel;
            ec_simd()->depthwise(&p->channels, &image, entry, p->width, output + channel);
        }
        input += f->in_rows * f->in_row_bytes;
        output += f->out_height * f->out_width * channels;
    }
}

void ec_depthwise_conv_2d_simd(const ec_depthwise_conv_2d_simd_params *p, const int8_t *input, int8_t *output) {
    ec_depthwise_conv_2d_simd_framed(p, input, output, 0);
}
