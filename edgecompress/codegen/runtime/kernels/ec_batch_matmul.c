/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* BATCH_MATMUL, int8: one output value at a time. */
#include "ec_batch_matmul.h"

static int8_t dot(const ec_batch_matmul_params *p, const int8_t *a, const int8_t *b) {
    int32_t sum = 0;
    for (int32_t i = 0; i < p->depth; ++i) {
        sum += (a[i * p->depth_a] + p->offset_a) * (b[i * p->depth_b] + p->offset_b);
    }
    const int32_t scaled = ec_multiply_by_quantized_multiplier(sum, p->multiplier, p->shift);
    return (int8_t)ec_clamp(scaled + p->output_offset, INT8_MIN, INT8_MAX);
}

static int8_t *multiply(const ec_batch_matmul_params *p, const int8_t *a, const int8_t *b, int8_t *output) {
    for (int32_t row = 0; row < p->rows; ++row) {
        for (int32_t column = 0; column < p->columns; ++column) {
            *output++ = dot(p, a + row * p->row_a, b + column * p->column_b);
        }
    }
    return output;
}

void ec_batch_matmul(const ec_batch_matmul_params *p, const int8_t *a, const int8_t *b, int8_t *output) {
    for (int32_t i = 0; i < p->batches[0]; ++i) {
        for (int32_t j = 0; j < p->batches[1]; ++j) {
            for (int32_t k = 0; k < p->batches[2]; ++k) {
                const int8_t *one = a + i * p->batches_a[0] + j * p->batches_a[1] + k * p->batches_a[2];
                const int8_t *other = b + i * p->batches_b[0] + j * p->batches_b[1] + k * p->batches_b[2];
                output = multiply(p, one, other, output);
            }
        }
    }
}
