/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* Four neighbouring outputs of a depthwise filter of any size, from a strip (ec_depthwise_strip.h). */
#ifndef EC_DEPTHWISE_FOUR_H
#define EC_DEPTHWISE_FOUR_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    /* line by line, `words` pairs for outputs whose first tap is the first input of a pair, then as many for those whose first tap is
     * the second */
    const uint32_t *weights;
    int32_t words; /* at least 1 */
    int32_t lines; /* at least 1 */
    int32_t pitch; /* bytes of the strip from line to line */
} ec_depthwise_filter;

/* Stride 1: outputs 0 and 1 begin in the first pair of inputs, outputs 2 and 3 in the second. */
void ec_depthwise_four_s1(const uint32_t *strip, const ec_depthwise_filter *f, int32_t sums[4]);
/* Stride 2: every output begins with a pair of its own; only the first weights of each line are used. */
void ec_depthwise_four_s2(const uint32_t *strip, const ec_depthwise_filter *f, int32_t sums[4]);

#ifdef __cplusplus
}
#endif

#endif
