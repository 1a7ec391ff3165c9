/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* The lanes: the inputs of eight output pixels as bytes, those of the same place in the eight windows side by side, so that a
 * weight finds all it is multiplied by in two words, wherever it stands. Inputs are in the order of memory: filter row, filter
 * column, channel. Pixels 0, 2, 4 and 6, the low bytes of halfwords, are 128 larger, without a sign: then a halfword is 256
 * times its high byte plus its low one. */
#ifndef EC_LANES_H
#define EC_LANES_H

#include "ec_strip.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { EC_LANE_PIXELS = 8, EC_LANES_OFFSET = 0x80 };

/* What windows have outside the input, written behind the lanes once, before they are filled. */
void ec_lanes_begin(const ec_strip_params *p, uint32_t *lanes);

/* Fills the lanes with the pixels from `place` on, which moves behind them. Returns how many there are: 1 to 8; lanes
 * beyond them hold any bytes.
 *
 * lanes: 8 * depth bytes, then as many as there are channels; aligned to 4 */
int32_t ec_lanes_fill(const ec_strip_params *p, const int8_t *input, ec_strip_place *place, uint32_t *lanes);

#ifdef __cplusplus
}
#endif

#endif
