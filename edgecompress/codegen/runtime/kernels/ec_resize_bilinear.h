/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_RESIZE_BILINEAR_H
#define EC_RESIZE_BILINEAR_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t batches;
    int32_t in_height;
    int32_t in_width;
    int32_t channels;
    int32_t out_height;
    int32_t out_width;
    int32_t scale_height; /* input rows per output row, in 1024ths */
    int32_t scale_width;
    int32_t offset_height; /* of the first output row in the input, likewise */
    int32_t offset_width;
} ec_resize_bilinear_params;

void ec_resize_bilinear(const ec_resize_bilinear_params *p, const int8_t *input, int8_t *output);

#ifdef __cplusplus
}
#endif

#endif
