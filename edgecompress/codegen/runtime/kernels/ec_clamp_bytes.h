/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* A fused activation whose range is narrower than int8's, for kernels that use all of it: a pass over their outputs. */
#ifndef EC_CLAMP_BYTES_H
#define EC_CLAMP_BYTES_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Each of `count` values becomes at least `low` and at most `high`; -128 <= low <= high <= 127. */
void ec_clamp_bytes(int8_t *values, int32_t count, int32_t low, int32_t high);

#ifdef __cplusplus
}
#endif

#endif
