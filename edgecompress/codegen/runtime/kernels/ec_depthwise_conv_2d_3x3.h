/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_DEPTHWISE_CONV_2D_3X3_H
#define EC_DEPTHWISE_CONV_2D_3X3_H

#include "ec_depthwise_lines.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The input as lines: its rows, or its columns where those suit better. Places are counted along a line and from line to line. */
typedef struct {
    int32_t batches;
    int32_t channels;        /* a multiple of 4 */
    int32_t in_length;     /* of a line */
    int32_t in_lines;
    int32_t in_step;       /* bytes along a line */
    int32_t in_pitch;      /* bytes from line to line */
    int32_t out_length;
    int32_t out_lines;
    int32_t out_step;
    int32_t out_pitch;
    int32_t pad_before;    /* inputs before a line */
    int32_t pad_lines;     /* lines before the first */
    int32_t tile;          /* lines of outputs done together */
    int32_t by_channels;   /* all tiles of four channels before the next four, else all channels of a tile before the next tile */
    int32_t zero_point;    /* of the input, stands outside */
    int32_t output_zero_point;
    const int8_t *weights;   /* by channel: 9, line by line; then two bytes that are only read */
    const int32_t *scalings; /* ec_scaling of every channel */
} ec_depthwise_conv_2d_3x3_params;

/* scratch: the lines of inputs of one tile, each (out_length + 1) / 2 + 1 pairs of 16 bytes, or out_length + 1 + out_length % 2
 * at stride 2; aligned to 4. By channels it works in place where outputs and inputs have one shape, since four channels of a tile are
 * read before they are written; by tiles nothing of a later tile is written before a tile has been read. */
void ec_depthwise_conv_2d_3x3_s1_relu(const ec_depthwise_conv_2d_3x3_params *p, const int8_t *input, int8_t *output, void *scratch);
void ec_depthwise_conv_2d_3x3_s1_linear(const ec_depthwise_conv_2d_3x3_params *p, const int8_t *input, int8_t *output, void *scratch);
void ec_depthwise_conv_2d_3x3_s2_relu(const ec_depthwise_conv_2d_3x3_params *p, const int8_t *input, int8_t *output, void *scratch);
void ec_depthwise_conv_2d_3x3_s2_linear(const ec_depthwise_conv_2d_3x3_params *p, const int8_t *input, int8_t *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
