/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* RESIZE_BILINEAR, int8: between four pixels, in 1024ths of their distance. */
#include "ec_resize_bilinear.h"

enum { BITS = 10, ONE = 1 << BITS };

/* Two neighbours along an axis, and the weights of both, which add up to one. */
typedef struct {
    int32_t below;
    int32_t above;
    int32_t weight_below;
    int32_t weight_above;
} neighbours;

static neighbours neighbours_of(int32_t at, int32_t size) {
    neighbours n;
    n.below = at < 0 ? 0 : at / ONE;
    n.above = at < 0 ? 0 : (at + ONE - 1) / ONE;
    n.above = n.above > size - 1 ? size - 1 : n.above;
    n.weight_above = at - n.below * ONE;
    n.weight_below = ONE - n.weight_above;
    return n;
}

/* x / 2^20 to nearest, halves away from zero. */
static int8_t rounded(int32_t x) {
    const int32_t half = 1 << (2 * BITS - 1);
    return (int8_t)((x > 0 ? x + half : x - half) / (1 << (2 * BITS)));
}

void ec_resize_bilinear(const ec_resize_bilinear_params *p, const int8_t *input, int8_t *output) {
    const int32_t channels = p->channels;
    for (int32_t batch = 0; batch < p->batches; ++batch, input += p->in_height * p->in_width * channels) {
        for (int32_t y = 0; y < p->out_height; ++y) {
            const neighbours rows = neighbours_of(y * p->scale_height + p->offset_height, p->in_height);
            const int8_t *upper = input + rows.below * p->in_width * channels;
            const int8_t *lower = input + rows.above * p->in_width * channels;
            for (int32_t x = 0; x < p->out_width; ++x) {
                const neighbours columns = neighbours_of(x * p->scale_width + p->offset_width, p->in_width);
                const int32_t left = columns.below * channels, right = columns.above * channels;
                for (int32_t c = 0; c < channels; ++c) {
                    const int32_t top = upper[left + c] * columns.weight_below + upper[right + c] * columns.weight_above;
                    const int32_t bottom = lower[left + c] * columns.weight_below + lower[right + c] * columns.weight_above;
                    *output++ = rounded(top * rows.weight_below + bottom * rows.weight_above);
                }
            }
        }
    }
}
