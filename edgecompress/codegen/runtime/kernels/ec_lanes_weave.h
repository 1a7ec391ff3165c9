/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_LANES_WEAVE_H
#define EC_LANES_WEAVE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* `count` inputs, at least one, of four lanes, side by side into every other word from `to` on; the first and the third lane's bytes
 * become 128 larger. */
void ec_lanes_weave(uint32_t *to, const int8_t *const from[4], int32_t count);

#ifdef __cplusplus
}
#endif

#endif
