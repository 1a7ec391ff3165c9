/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_STRIDED_COPY_H
#define EC_STRIDED_COPY_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t first;      /* byte of the input at which the output begins */
    int32_t bytes;      /* of a piece: what lies side by side in both */
    int32_t counts[6];  /* of the loops over the pieces, outermost first */
    int32_t strides[6]; /* of each: bytes of the input from one to the next; 0 repeats, a negative one goes backwards */
} ec_strided_copy_params;

/* Pieces of the input, whatever its type, one after the other. */
void ec_strided_copy(const ec_strided_copy_params *p, const void *input, void *output);

#ifdef __cplusplus
}
#endif

#endif
