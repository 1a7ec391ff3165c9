/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* A 3 x 3 filter over lines of one channel, requantized and stored: what depthwise convolutions spend their time in.
 *
 * The inputs lie in a strip of words: each is a pair of neighbours along the line, both as 16 bits; the words of four channels
 * take turns, so the next pair of the same channel is 16 bytes away. A line's first pair begins with the first tap of its first
 * output. */
#ifndef EC_DEPTHWISE_LINES_H
#define EC_DEPTHWISE_LINES_H

#include "ec_scaling.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { EC_DEPTHWISE_STEP = 16 }; /* bytes from a pair to the next one of the same channel */

typedef struct {
    uint32_t weights[6];   /* of each row of the filter: twice its first and second weight, twice its second and third */
    int32_t bias;          /* twice the bias */
    int32_t multiplier;    /* as ec_scaling */
    int32_t offset;        /* ec_scaling_offset */
    int32_t shift;         /* one less than the shift */
    int32_t fours;         /* bytes of a line of the strip that are done four outputs at a time */
    int32_t rest;          /* outputs of a line that are left */
    int32_t lines;         /* of outputs, at least 1 */
    int32_t strip_line;    /* bytes of the strip from a line of outputs to the next */
    int32_t output_line;   /* bytes of the output likewise */
    const uint32_t *strip; /* first pair of this channel */
    int32_t pitch;         /* bytes of the strip from line to line of inputs */
    int8_t *output;        /* first output of this channel */
    int32_t output_step;   /* bytes from output to output along the line */
} ec_depthwise_lines;

/* `s1`, `s2`: stride 1 or 2. `relu`: zero point and smallest output are -128. */
void ec_depthwise_lines_s1_relu(const ec_depthwise_lines *job);
void ec_depthwise_lines_s1_linear(const ec_depthwise_lines *job);
void ec_depthwise_lines_s2_relu(const ec_depthwise_lines *job);
void ec_depthwise_lines_s2_linear(const ec_depthwise_lines *job);

#ifdef __cplusplus
}
#endif

#endif
