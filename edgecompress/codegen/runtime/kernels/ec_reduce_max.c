/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* REDUCE_MAX and REDUCE_MIN over any axes, int8 and int16. */
#include "ec_reduce_max.h"

static int32_t larger(int32_t a, int32_t b) {
    return a > b ? a : b;
}

static int32_t smaller(int32_t a, int32_t b) {
    return a < b ? a : b;
}

static int32_t as_it_is(const void *p, int32_t value) {
    (void)p;
    return value;
}

void ec_reduce_max(const ec_reduce_max_params *p, const int8_t *input, int8_t *output) {
    ec_reduce(EC_S8, &p->loops, input, output, INT8_MIN, larger, as_it_is, p);
}

void ec_reduce_min(const ec_reduce_max_params *p, const int8_t *input, int8_t *output) {
    ec_reduce(EC_S8, &p->loops, input, output, INT8_MAX, smaller, as_it_is, p);
}

void ec_reduce_max_s16(const ec_reduce_max_params *p, const int16_t *input, int16_t *output) {
    ec_reduce(EC_S16, &p->loops, input, output, INT16_MIN, larger, as_it_is, p);
}

void ec_reduce_min_s16(const ec_reduce_max_params *p, const int16_t *input, int16_t *output) {
    ec_reduce(EC_S16, &p->loops, input, output, INT16_MAX, smaller, as_it_is, p);
}
