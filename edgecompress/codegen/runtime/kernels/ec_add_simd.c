/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* ADD, int8, of operands of one shape, for vectors. */
#include "ec_add_simd.h"

enum { STEP = 2 * EC_LANES };

void ec_add_simd(const ec_add_simd_params *p, const int8_t *a, const int8_t *b, int8_t *output) {
    const ec_simd_kernels *kernels = ec_simd();
    const int32_t rest = p->elements % STEP, whole = p->elements - rest;
    kernels->add(&p->sum, a, b, whole, output);
    if (rest != 0) {
        int8_t last_a[STEP] = {0}, last_b[STEP] = {0}, last[STEP];
        for (int32_t i = 0; i < rest; ++i) {
            last_a[i] = a[whole + i];
            last_b[i] = b[whole + i];
        }
        kernels->add(&p->sum, last_a, last_b, STEP, last);
        for (int32_t i = 0; i < rest; ++i) {
            output[whole + i] = last[i];
        }
    }
}
