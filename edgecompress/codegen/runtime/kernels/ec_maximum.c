/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* MAXIMUM and MINIMUM, int8, with broadcasting: of the quantized values, as they are. */
#include "ec_maximum.h"

static int8_t larger(const void *p, int32_t a, int32_t b) {
    (void)p;
    return (int8_t)(a > b ? a : b);
}

static int8_t smaller(const void *p, int32_t a, int32_t b) {
    (void)p;
    return (int8_t)(a < b ? a : b);
}

void ec_maximum(const ec_maximum_params *p, const int8_t *a, const int8_t *b, int8_t *output) {
    ec_for_each_pair(&p->loops, a, b, output, larger, p);
}

void ec_minimum(const ec_maximum_params *p, const int8_t *a, const int8_t *b, int8_t *output) {
    ec_for_each_pair(&p->loops, a, b, output, smaller, p);
}
