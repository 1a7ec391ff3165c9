/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* MAXIMUM and MINIMUM, int8, with broadcasting: of the quantized values, as they are. */
#include "ec_maximum.h"

static int32_t larger(const void *p, int32_t a, int32_t b) {
    (void)p;
    return (a > b ? a : b);
}

static int32_t smaller(const void *p, int32_t a, int32_t b) {
    (void)p;
    return (a < b ? a : b);
}

void ec_maximum(const ec_maximum_params *p, const int8_t *a, const int8_t *b, int8_t *output) {
    ec_for_each_pair(&p->loops, a, b, output, larger, p);
}

void ec_minimum(const ec_maximum_params *p, const int8_t *a, const int8_t *b, int8_t *output) {
    ec_for_each_pair(&p->loops, a, b, output, smaller, p);
}

void ec_maximum_s16(const ec_maximum_params *p, const int16_t *a, const int16_t *b, int16_t *output) {
    ec_for_each_pair_s16(&p->loops, a, b, output, larger, p);
}

void ec_minimum_s16(const ec_maximum_params *p, const int16_t *a, const int16_t *b, int16_t *output) {
    ec_for_each_pair_s16(&p->loops, a, b, output, smaller, p);
}
