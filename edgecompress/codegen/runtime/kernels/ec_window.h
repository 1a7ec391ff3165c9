/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* How a filter slides over an NHWC tensor. */
#ifndef EC_WINDOW_H
#define EC_WINDOW_H

#include <stdint.h>

typedef struct {
    int32_t batches;
    int32_t in_height;
    int32_t in_width;
    int32_t out_height;
    int32_t out_width;
    int32_t filter_height;
    int32_t filter_width;
    int32_t stride_height;
    int32_t stride_width;
    int32_t dilation_height;
    int32_t dilation_width;
    int32_t pad_top;
    int32_t pad_left;
} ec_window;

/* The taps [first, end) of one dimension that lie inside the input, the filter's first tap being at `origin`. */
typedef struct {
    int32_t first;
    int32_t end;
} ec_taps;

static inline ec_taps ec_taps_inside(int32_t origin, int32_t taps, int32_t dilation, int32_t size) {
    ec_taps inside = {0, taps};
    if (origin < 0) {
        inside.first = (-origin + dilation - 1) / dilation;
    }
    if (origin + (taps - 1) * dilation >= size) {
        inside.end = origin >= size ? 0 : (size - origin + dilation - 1) / dilation;
    }
    if (inside.first > inside.end) {
        inside.first = inside.end;
    }
    return inside;
}

#endif
