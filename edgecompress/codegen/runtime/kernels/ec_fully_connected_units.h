/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* FULLY_CONNECTED, int8, with weights that are decoded while it runs: a few inputs of four outputs at a time, whose sums wait. */
#ifndef EC_FULLY_CONNECTED_UNITS_H
#define EC_FULLY_CONNECTED_UNITS_H

#include "ec_fully_connected_scale.h"
#include "ec_units.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A unit has `unit_inputs` inputs of four outputs, in the order of ec_dot_joint; what is behind the last input or output is any.
 * Biases and scalings are in the order in which outputs are computed. */
typedef struct {
    int32_t rows; /* of the input and of the output */
    int32_t inputs;
    int32_t outputs;
    int32_t unit_inputs;     /* a multiple of 4 */
    const uint8_t *order;   /* numbers of the outputs that are computed first, second, ...; 0: they are in order */
    const int32_t *bias;     /* [outputs] where all share one scaling; 0: it is in the scalings */
    const int32_t *scalings; /* ec_scaling of every output, or one of all */
    int32_t output_zero_point;
    int32_t activation_min;  /* of the linear form */
    int32_t activation_max;
} ec_fully_connected_units_params;

/* sums: four of each row. All inputs are read again after outputs have been written. */
void ec_fully_connected_units_relu(const ec_fully_connected_units_params *p, const int8_t *input, int8_t *output, void *sums,
                                   const ec_units *units);
void ec_fully_connected_units_linear(const ec_fully_connected_units_params *p, const int8_t *input, int8_t *output, void *sums,
                                     const ec_units *units);

#ifdef __cplusplus
}
#endif

#endif
