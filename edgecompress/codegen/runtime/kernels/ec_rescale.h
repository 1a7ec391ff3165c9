/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_RESCALE_H
#define EC_RESCALE_H

#include "ec_fixed_point.h"
#include "ec_values.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t elements;
    int32_t in_bytes;  /* of an element: 1, 2 or 4 */
    int32_t out_bytes; /* 1, 2 or 4 */
    int32_t input_offset; /* minus the input's zero point */
    int32_t output_offset;
    int32_t multiplier;
    int32_t shift;
} ec_rescale_params;

/* Element by element, in ascending order. */
void ec_rescale(const ec_rescale_params *p, const void *input, void *output);

#ifdef __cplusplus
}
#endif

#endif
