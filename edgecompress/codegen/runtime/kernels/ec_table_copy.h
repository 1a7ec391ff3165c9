/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_TABLE_COPY_H
#define EC_TABLE_COPY_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t bytes;            /* of a piece: what lies side by side in both */
    int32_t counts[4];        /* of the loops over the pieces, outermost first */
    const int32_t *places_0;  /* of each loop: what its index adds to the byte at which a piece begins in the input */
    const int32_t *places_1;
    const int32_t *places_2;
    const int32_t *places_3;
} ec_table_copy_params;

/* Pieces of the input, whatever its type, from places that follow no stride. */
void ec_table_copy(const ec_table_copy_params *p, const void *input, void *output);

#ifdef __cplusplus
}
#endif

#endif
