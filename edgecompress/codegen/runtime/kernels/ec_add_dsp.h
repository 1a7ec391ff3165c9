/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_ADD_DSP_H
#define EC_ADD_DSP_H

#include "ec_scaling.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Of the two operands the one with the larger scale is multiplied by exactly one half: it needs no rounding. */
typedef struct {
    int32_t elements;
    int32_t large_offset; /* minus its zero point, times 2^20 */
    int32_t small_offset; /* minus its zero point, times 2^21 */
    int32_t small_multiplier;
    int32_t small_half;
    int32_t small_shift; /* to the right, 1..30 */
    int32_t output_multiplier;
    int32_t output_shift;  /* to the right less one, 0..21 */
    int32_t output_offset; /* as ec_scaling_offset */
} ec_add_dsp_params;

/* `output` may be either operand. The relu form is for layers whose zero point and smallest output are -128. */
void ec_add_dsp_relu(const ec_add_dsp_params *p, const int8_t *large, const int8_t *small, int8_t *output);
void ec_add_dsp_linear(const ec_add_dsp_params *p, const int8_t *large, const int8_t *small, int8_t *output);

#ifdef __cplusplus
}
#endif

#endif
