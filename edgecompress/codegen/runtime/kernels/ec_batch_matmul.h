/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_BATCH_MATMUL_H
#define EC_BATCH_MATMUL_H

#include "ec_fixed_point.h"
#include "ec_values.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t batches[3]; /* loops over matrices, outermost first */
    int32_t batches_a[3];
    int32_t batches_b[3]; /* elements from one matrix to the next; 0 where it repeats */
    int32_t rows;
    int32_t columns;
    int32_t depth;
    int32_t row_a; /* elements from one row of a to the next */
    int32_t depth_a;
    int32_t depth_b;
    int32_t column_b;
    int32_t offset_a; /* minus the zero point */
    int32_t offset_b;
    int32_t multiplier; /* of int16: its upper half */
    int32_t shift;
    int32_t output_offset;
} ec_batch_matmul_params;

/* Matrices times matrices, either of them transposed. */
void ec_batch_matmul(const ec_batch_matmul_params *p, const int8_t *a, const int8_t *b, int8_t *output);
/* Of int16 with zero points of 0. */
void ec_batch_matmul_s16(const ec_batch_matmul_params *p, const int16_t *a, const int16_t *b, int16_t *output);

#ifdef __cplusplus
}
#endif

#endif
