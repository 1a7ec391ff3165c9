/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* Brings decoded rows of weights into the orders that kernels read them in. */
#ifndef EC_WEAVE_H
#define EC_WEAVE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Of rows a and b the joint order of ec_gemm_joint.h: for every four taps two words, taps 0 and 2, then 1 and 3, each tap of both
 * in a halfword 256 b + a. With `step` 2, every other word of ec_dot_joint's: its outputs 0 and 1, or from to + 1 on 2 and 3.
 *
 * to:   2 * step * fours words, of which every step-th is written; where step is 1, a may be their second half
 * step: from a word to the next, in words */
void ec_weave_joint(uint32_t *to, int32_t step, const uint32_t *a, const uint32_t *b, int32_t fours);

/* Bytes of one row between those of others: `run` bytes from `from`, then the next ones `step` bytes further on. */
void ec_weave_lanes(uint8_t *to, const uint8_t *from, int32_t count, int32_t run, int32_t step);

#ifdef __cplusplus
}
#endif

#endif
