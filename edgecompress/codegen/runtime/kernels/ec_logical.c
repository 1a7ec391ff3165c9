/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* LOGICAL_AND, LOGICAL_OR, and EQUAL and NOT_EQUAL of truth values, with broadcasting. */
#include "ec_logical.h"

static int32_t judge_one(const void *parameters, int32_t a, int32_t b) {
    const ec_logical_params *p = parameters;
    return (p->truths >> (2 * (a != 0) + (b != 0))) & 1;
}

void ec_logical(const ec_logical_params *p, const uint8_t *a, const uint8_t *b, uint8_t *output) {
    ec_for_each_pair(&p->loops, (const int8_t *)a, (const int8_t *)b, (int8_t *)output, judge_one, p);
}
