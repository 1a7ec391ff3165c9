/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* The output of a fully connected layer from twice its sum. */
#ifndef EC_FULLY_CONNECTED_SCALE_H
#define EC_FULLY_CONNECTED_SCALE_H

#include "ec_scaling.h"

/* Of the linear form; the relu form is for layers whose zero point and smallest output are -128, and whose largest is 127. */
typedef struct {
    int32_t zero_point;
    int32_t low;
    int32_t high;
} ec_output_range;

static inline int8_t ec_fully_connected_scale(ec_scaling scaling, int32_t twice, ec_output_range r, int32_t is_relu) {
    return is_relu ? ec_scale_relu(scaling, twice) : (int8_t)ec_clamp(ec_scale_linear(scaling, twice, r.zero_point), r.low, r.high);
}

#endif
