/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* Blocks of four output pixels, one output channel after the other, for processors that multiply one pair of numbers at a
 * time. */
#ifndef EC_BLOCK_4X1_H
#define EC_BLOCK_4X1_H

#include "ec_ramp_requantization.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { EC_BLOCK_PIXELS = 4, EC_BLOCK_LANES = 8 };

/* The assembly knows the order of the fields, and counts in them. */
typedef struct {
    const int32_t *start;   /* of the channel */
    const void *first;      /* the strip, or the taps */
    const void *end;        /* behind it */
    const int8_t *weights;  /* of the channel, or of all */
    const uint8_t *runs;    /* of the channel; gemm only */
    int32_t channel;        /* the next one */
    int32_t channels;       /* the one to stop at */
    int32_t shift;          /* of the ramps */
    int32_t kind;
    uint32_t below;         /* used by the assembly */
    int8_t *outputs[EC_BLOCK_PIXELS]; /* channel 0 of every pixel; may be the same */
    int32_t weights_step;   /* gemm: bytes from lane 8 of eight channels to lane 0 of the next; depthwise: all channels */
    const int32_t *ramp;    /* of the channel */
    int32_t ramp_step;      /* bytes */
    uint32_t sums[EC_BLOCK_PIXELS]; /* where the kind is exact: of the last channel, in place of its outputs */
} ec_block;

/* `count` inputs of four pixels, each side by side in memory, become two words each of the strip: pixels 0 and 1 as
 * low + 65536 * high, then 2 and 3. count: at least 1. Returns the end. */
uint32_t *ec_block_pack(uint32_t *strip, const int8_t *const from[EC_BLOCK_PIXELS], int32_t count);

/* Convolution of a strip: its entries are ec_block_pack's.
 *
 * weights: [channels / 8][inputs][8], so that lane and input lie as far apart as the strip's entries; inputs a multiple
 * of four. One product holds two pixels', and the products of a group of four inputs are added before they are taken
 * apart: in 16 bits as long as the group's weights add up to at most 255. runs: for every channel the number of such
 * groups, then comes one that is taken apart after two inputs, then a number again, until the strip ends. */
void ec_block_gemm(ec_block *b);

/* The same of weights [channels][inputs], aligned to 4; the products of two inputs are added in 16 bits. No runs, no weights_step. */
void ec_block_rows(ec_block *b);

/* Depthwise convolution: `first` holds for every tap the addresses of channel 0 in the inputs of all four pixels.
 * weights: [taps][channels]. */
void ec_block_depthwise(ec_block *b);

#ifdef __cplusplus
}
#endif

#endif
