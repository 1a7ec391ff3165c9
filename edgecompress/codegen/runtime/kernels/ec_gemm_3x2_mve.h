/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* The inner product of convolutions on processors with a vector unit: three pixels times all channels of a block. */
#ifndef EC_GEMM_3X2_MVE_H
#define EC_GEMM_3X2_MVE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { EC_GEMM_PIXELS = 3, EC_GEMM_BLOCK = 64 /* the most channels of a block; an even number */ };

typedef struct {
    const int8_t *inputs[EC_GEMM_PIXELS]; /* the first line of each */
    const int8_t *weights;                /* line by line, in slices of 32 inputs each, at the end 16 and what is left: of every
                                             channel its weights of that slice. Up to 15 bytes behind the last are read */
    int32_t depth; /* inputs in a line */
    int32_t pairs; /* of channels */
    int32_t *sums; /* [2 * pairs][EC_GEMM_PIXELS] */
    int32_t lines;
    int32_t gap; /* to the next line of inputs from the end of this one, its depth rounded up to 16 */
} ec_gemm_3x2_mve_block;

/* Sums of input times weight; returns the end of the weights. */
const int8_t *ec_gemm_3x2_mve(const ec_gemm_3x2_mve_block *block);

#ifdef __cplusplus
}
#endif

#endif
