/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_GATHER_H
#define EC_GATHER_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t batches; /* of the table, each with indices of its own */
    int32_t parts;   /* of a batch, which share its indices */
    int32_t rows;    /* of a part, at least 1 */
    int32_t bytes;   /* of a row */
    int32_t count;   /* of indices in a batch */
} ec_gather_params;

/* Part by part the row of every index, one after the other; an index outside takes the nearest row. */
void ec_gather(const ec_gather_params *p, const void *table, const int32_t *indices, void *output);

#ifdef __cplusplus
}
#endif

#endif
