/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* FULLY_CONNECTED, int8, that multiplies by those weights only that are not zero. A row of inputs is read again for every output. */
#include "ec_fully_connected_sparse.h"

#include "ec_fully_connected_scale.h"

typedef ec_fully_connected_sparse_params params;

#if defined(__clang__)
#define ROLLED _Pragma("clang loop unroll(disable)")
#else
#define ROLLED
#endif

enum { HEAD = 3 }; /* bytes of a list before its entries */

/* Four entries at a time, so that loads are neighbours. Places move with every entry by its gap, and one further. */
static inline int32_t sum_shared(const uint8_t *list, const int8_t *input, int32_t entries, const int8_t *values) {
    int32_t sum = 0;
    ROLLED for (; entries >= 4; entries -= 4, list += 4) {
        const uint32_t e0 = list[0], e1 = list[1], e2 = list[2], e3 = list[3];
        const int8_t *x0 = input + (e0 >> 4), *x1 = x0 + (e1 >> 4), *x2 = x1 + (e2 >> 4), *x3 = x2 + (e3 >> 4);
        const int32_t w0 = values[e0 & 15], w1 = values[e1 & 15], w2 = values[e2 & 15], w3 = values[e3 & 15];
        sum += w0 * x0[0] + w1 * x1[1] + w2 * x2[2] + w3 * x3[3];
        input = x3 + 4;
    }
    ROLLED for (; entries > 0; --entries, ++input) {
        input += *list >> 4;
        sum += values[*list++ & 15] * *input;
    }
    return sum;
}

static inline int32_t sum_any(const uint8_t *list, const int8_t *input, int32_t entries) {
    int32_t sum = 0;
    ROLLED for (; entries >= 4; entries -= 4, list += 8) {
        const int8_t *x0 = input + list[0], *x1 = x0 + list[2], *x2 = x1 + list[4], *x3 = x2 + list[6];
        const int8_t *w = (const int8_t *)list;
        sum += w[1] * x0[0] + w[3] * x1[1] + w[5] * x2[2] + w[7] * x3[3];
        input = x3 + 4;
    }
    ROLLED for (; entries > 0; --entries, ++input, list += 2) {
        input += list[0];
        sum += (int8_t)list[1] * *input;
    }
    return sum;
}

static inline __attribute__((always_inline)) void one_row(const params *p, const int8_t *input, int8_t *output, int32_t is_shared) {
    const uint8_t *list = p->lists;
    const ec_output_range range = {p->output_zero_point, p->activation_min, p->activation_max};
    for (int32_t i = 0; i < p->outputs; ++i) {
        const int32_t entries = list[0] | (list[1] & 3) << 8;
        list += HEAD;
        const int32_t sum = is_shared ? sum_shared(list, input, entries, p->values) : sum_any(list, input, entries);
        list += is_shared ? entries : 2 * entries;
        const ec_scaling s = ec_scaling_of(p->scalings, p->bias ? 0 : i);
        const int32_t twice = (p->bias ? 2 * p->bias[i] : ec_scaling_bias(s)) + 2 * sum;
        output[i] = ec_fully_connected_scale(s, twice, range, 0);
    }
}

void ec_fully_connected_sparse_shared(const params *p, const int8_t *input, int8_t *output) {
    for (int32_t row = 0; row < p->rows; ++row) {
        one_row(p, input + row * p->inputs, output + row * p->outputs, 1);
    }
}

void ec_fully_connected_sparse_any(const params *p, const int8_t *input, int8_t *output) {
    for (int32_t row = 0; row < p->rows; ++row) {
        one_row(p, input + row * p->inputs, output + row * p->outputs, 0);
    }
}
