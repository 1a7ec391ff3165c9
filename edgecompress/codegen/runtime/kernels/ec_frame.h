/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* The input of a convolution with its padding around it: then every filter lies inside, and its taps are always as far from
 * the first one. Inputs without padding are their own frame. */
#ifndef EC_FRAME_H
#define EC_FRAME_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t batches;
    int32_t in_rows;
    int32_t in_row_bytes;
    int32_t bytes;     /* 0: the input is the frame */
    int32_t row_bytes; /* of the frame */
    int32_t first;     /* where the input begins in the frame */
    int32_t zero_point;
    int32_t out_height;
    int32_t out_width;
    int32_t row_step;   /* from the first tap of an output row to that of the next */
    int32_t pixel_step; /* from pixel to pixel */
} ec_frame;

static inline const int8_t *ec_framed(const ec_frame *f, const int8_t *input, void *scratch) {
    if (f->bytes == 0) {
        return input;
    }
    int8_t *frame = (int8_t *)scratch;
    __builtin_memset(frame, f->zero_point, (uint32_t)f->bytes);
    for (int32_t row = 0; row < f->in_rows; ++row) {
        __builtin_memcpy(frame + f->first + row * f->row_bytes, input + row * f->in_row_bytes, (uint32_t)f->in_row_bytes);
    }
    return frame;
}

#ifdef __cplusplus
}
#endif

#endif
