/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* LOGISTIC and TANH, int16. */
#include "ec_curves_s16.h"

#include "ec_curves_16.h"

static int32_t scaled(const ec_curves_s16_params *p, int32_t x) {
    const int32_t half = (int32_t)((UINT32_C(1) << p->shift) >> 1);
    return (x * p->factor + half) >> p->shift;
}

void ec_logistic_s16(const ec_curves_s16_params *p, const int16_t *input, int16_t *output) {
    for (int32_t i = 0; i < p->elements; ++i) {
        output[i] = (int16_t)ec_sigmoid_16(p->sigmoid, scaled(p, input[i]));
    }
}

void ec_tanh_s16(const ec_curves_s16_params *p, const int16_t *input, int16_t *output) {
    for (int32_t i = 0; i < p->elements; ++i) {
        output[i] = (int16_t)ec_tanh_16(p->sigmoid, scaled(p, input[i]));
    }
}
