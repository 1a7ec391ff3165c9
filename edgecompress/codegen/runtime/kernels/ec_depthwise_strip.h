/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* Four channels of some lines, widened and taken apart: channels lie side by side in memory, and for dual multiplications
 * neighbours along a line must. */
#ifndef EC_DEPTHWISE_STRIP_H
#define EC_DEPTHWISE_STRIP_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { EC_DEPTHWISE_CHANNELS = 4 };

/* An NHWC image as lines: its rows, or its columns. */
typedef struct {
    const int8_t *input; /* the first of four channels at the first place of the first line */
    int32_t length;      /* of a line */
    int32_t lines;
    int32_t step;       /* bytes along a line */
    int32_t pitch;      /* bytes from line to line */
    int32_t pad_before; /* places before a line that outputs begin with */
    int32_t zero_point; /* stands outside */
} ec_depthwise_image;

/* Writes `count` lines from line `first` on, either of which may be outside; of each `pairs` pairs of neighbours: for every pair
 * four words, the pair of each channel. */
void ec_depthwise_load(const ec_depthwise_image *image, int32_t first, int32_t count, int32_t pairs, uint32_t *strip);

#ifdef __cplusplus
}
#endif

#endif
