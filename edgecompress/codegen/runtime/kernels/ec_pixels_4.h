/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* Goes through output pixels in row-major order, four at a time. */
#ifndef EC_PIXELS_4_H
#define EC_PIXELS_4_H

#include "ec_block_4x1.h"
#include "ec_window.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t y;
    int32_t x;
} ec_position;

/* Where the windows of the next output pixels begin in the input; the last of all stands in for those beyond it. Returns
 * how many are new. */
int32_t ec_next_pixels(const ec_window *w, ec_position *output, ec_position origins[EC_BLOCK_PIXELS]);

/* A block of channels 0 to `channels` whose outputs belong to `pixels` pixels, the last in place of missing ones; they lie
 * `distance` apart. What is left to fill in is the weights. */
ec_block ec_block_of(const ec_ramps *ramps, int32_t channels, int8_t *output, int32_t pixels, int32_t distance);

/* All channels of the block; those that no ramp serves are requantized one by one. */
void ec_block_run(ec_block *b, const ec_ramps *ramps, void (*kernel)(ec_block *));

/* The inputs of four windows into a strip (ec_block_pack); `zeros` stands outside the input, as many bytes as there are channels. */
void ec_pack_pixels(const ec_window *w, int32_t channels, const int8_t *input, const int8_t *zeros,
                    const ec_position origins[EC_BLOCK_PIXELS], uint32_t *strip);

static inline int ec_is_inside(const ec_window *w, int32_t y, int32_t x) {
    return y >= 0 && y < w->in_height && x >= 0 && x < w->in_width;
}

#ifdef __cplusplus
}
#endif

#endif
