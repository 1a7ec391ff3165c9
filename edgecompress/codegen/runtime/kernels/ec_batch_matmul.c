/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* BATCH_MATMUL, int8 and int16: one output value at a time. */
#include "ec_batch_matmul.h"

static int32_t dot(const ec_batch_matmul_params *p, const int8_t *a, const int8_t *b) {
    int32_t sum = 0;
    for (int32_t i = 0; i < p->depth; ++i) {
        sum += (a[i * p->depth_a] + p->offset_a) * (b[i * p->depth_b] + p->offset_b);
    }
    const int32_t scaled = ec_multiply_by_quantized_multiplier(sum, p->multiplier, p->shift);
    return ec_clamp(scaled + p->output_offset, INT8_MIN, INT8_MAX);
}

static int32_t dot_s16(const ec_batch_matmul_params *p, const int16_t *a, const int16_t *b) {
    int64_t sum = 0;
    for (int32_t i = 0; i < p->depth; ++i) {
        sum += a[i * p->depth_a] * b[i * p->depth_b];
    }
    return ec_clamp(ec_multiply_by_reduced_multiplier(sum, p->multiplier, p->shift), INT16_MIN, INT16_MAX);
}

__attribute__((always_inline)) static inline void
multiply(int32_t bytes, const ec_batch_matmul_params *p, const void *a, const void *b, void *output) {
    for (int32_t row = 0; row < p->rows; ++row) {
        for (int32_t column = 0; column < p->columns; ++column) {
            const int32_t from_a = row * p->row_a, from_b = column * p->column_b;
            const int32_t value = bytes == EC_S8 ? dot(p, (const int8_t *)a + from_a, (const int8_t *)b + from_b)
                                                 : dot_s16(p, (const int16_t *)a + from_a, (const int16_t *)b + from_b);
            ec_set_value(output, row * p->columns + column, bytes, value);
        }
    }
}

__attribute__((always_inline)) static inline void
multiply_all(int32_t bytes, const ec_batch_matmul_params *p, const char *a, const char *b, char *output) {
    for (int32_t i = 0; i < p->batches[0]; ++i) {
        for (int32_t j = 0; j < p->batches[1]; ++j) {
            for (int32_t k = 0; k < p->batches[2]; ++k) {
                const char *one = a + bytes * (i * p->batches_a[0] + j * p->batches_a[1] + k * p->batches_a[2]);
                const char *other = b + bytes * (i * p->batches_b[0] + j * p->batches_b[1] + k * p->batches_b[2]);
                multiply(bytes, p, one, other, output);
                output += bytes * p->rows * p->columns;
            }
        }
    }
}

void ec_batch_matmul(const ec_batch_matmul_params *p, const int8_t *a, const int8_t *b, int8_t *output) {
    multiply_all(EC_S8, p, (const char *)a, (const char *)b, (char *)output);
}

void ec_batch_matmul_s16(const ec_batch_matmul_params *p, const int16_t *a, const int16_t *b, int16_t *output) {
    multiply_all(EC_S16, p, (const char *)a, (const char *)b, (char *)output);
}
