/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* The way of a depthwise convolution through its image: some lines of four channels at a time go into a strip
 * (ec_depthwise_strip.h) and are convolved from there. */
#ifndef EC_DEPTHWISE_TILES_H
#define EC_DEPTHWISE_TILES_H

#include "ec_depthwise_strip.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The input as lines: its rows, or its columns where those suit better. Places are counted along a line and from line to line. */
typedef struct {
    int32_t batches;
    int32_t channels; /* a multiple of 4 */
    int32_t in_length; /* of a line */
    int32_t in_lines;
    int32_t in_step;  /* bytes along a line */
    int32_t in_pitch; /* bytes from line to line */
    int32_t out_length;
    int32_t out_lines;
    int32_t out_step;
    int32_t out_pitch;
    int32_t pad_before;   /* inputs before a line */
    int32_t pad_lines;    /* lines before the first */
    int32_t stride;       /* from line to line, and along it */
    int32_t filter_lines; /* lines of inputs for one of outputs; at least the stride */
    int32_t tile;         /* lines of outputs done together */
    int32_t pairs;        /* of neighbours that the strip holds of a line */
    int32_t by_channels;  /* all tiles of four channels before the next four, else all channels of a tile before the next tile */
    int32_t zero_point;   /* of the input, stands outside */
} ec_depthwise_tiles;

/* Convolves `lines` lines of outputs of four channels, the first of which is `channel`; `output` is the first of them. */
typedef void (*ec_depthwise_group)(const void *params, int32_t channel, int32_t lines, const uint32_t *strip, int8_t *output);

/* strip: the lines of inputs of one tile, `pairs` times 16 bytes each. By channels it works in place where outputs and inputs have
 * one shape, since four channels of a tile are read before they are written; by tiles nothing of a later tile is written before a
 * tile has been read. */
void ec_depthwise_walk(const ec_depthwise_tiles *t, const int8_t *input, int8_t *output, uint32_t *strip, ec_depthwise_group group,
                       const void *params);

#ifdef __cplusplus
}
#endif

#endif
