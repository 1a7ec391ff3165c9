/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* The strip: the inputs of four output pixels, widened to 16 bits once, so that every pair of output channels reads them
 * without further work. For every pair of inputs it holds four words, that pair of each pixel. Of four bytes in a row
 * inputs 0 and 2 are a pair, then 1 and 3: what SXTB16 makes of a word. The inputs are in the order of memory, by rows of the
 * filter, except that what a row has beyond whole words comes last. */
#ifndef EC_STRIP_H
#define EC_STRIP_H

#include "ec_window.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { EC_STRIP_PIXELS = 4 };

/* What a convolution slides its window over. */
typedef struct {
    ec_window window;
    int32_t channels;   /* of the input */
    int32_t depth;      /* inputs of one output: filter_height * filter_width * channels, rounded up to 4 */
    int32_t zero_point; /* stands outside the input */
} ec_strip_params;

/* A place in the output, row by row. */
typedef struct {
    int32_t y;
    int32_t x;
} ec_strip_place;

/* Fills the strip with the pixels from `place` on, which moves behind them: four, or one where fewer than four
 * are left. Returns how many.
 *
 * strip: 4 * depth int16_t, then depth bytes unless every window is inside the input and not dilated; aligned to 4 */
int32_t ec_strip_fill(const ec_strip_params *p, const int8_t *input, ec_strip_place *place, uint32_t *strip);

#ifdef __cplusplus
}
#endif

#endif
