/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_POOL_2D_DSP_H
#define EC_POOL_2D_DSP_H

#include "ec_fixed_point.h"
#include "ec_window.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    ec_window window;
    int32_t channels; /* a multiple of 4 */
    int32_t activation_min;
    int32_t activation_max;
} ec_pool_2d_dsp_params;

/* Average: over at most 255 taps. */
void ec_average_pool_2d_dsp(const ec_pool_2d_dsp_params *p, const int8_t *input, int8_t *output);
void ec_max_pool_2d_dsp(const ec_pool_2d_dsp_params *p, const int8_t *input, int8_t *output);

#ifdef __cplusplus
}
#endif

#endif
