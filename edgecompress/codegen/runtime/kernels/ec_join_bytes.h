/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* Decoded weights for kernels that take two outputs in a halfword. */
#ifndef EC_JOIN_BYTES_H
#define EC_JOIN_BYTES_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Every two bytes a, b become the halfword 256 * b + a: b is one less where a is negative. bytes: a multiple of 4. */
void ec_join_bytes(uint32_t *words, int32_t bytes);

#ifdef __cplusplus
}
#endif

#endif
