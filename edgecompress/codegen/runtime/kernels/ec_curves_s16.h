/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_CURVES_S16_H
#define EC_CURVES_S16_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t elements;
    int32_t factor; /* to 512ths (LOGISTIC) or 256ths (TANH) of the table's steps */
    int32_t shift;  /* to the right, 0 to 31 */
    const int16_t *sigmoid;
} ec_curves_s16_params;

/* Element by element, in ascending order. */
void ec_logistic_s16(const ec_curves_s16_params *p, const int16_t *input, int16_t *output);
void ec_tanh_s16(const ec_curves_s16_params *p, const int16_t *input, int16_t *output);

#ifdef __cplusplus
}
#endif

#endif
