/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_FULLY_CONNECTED_JOINT_H
#define EC_FULLY_CONNECTED_JOINT_H

#include "ec_fully_connected_scale.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Outputs whose weights can share halfwords are done by fours, over fours of inputs; the rest of both has weights of its own. */
typedef struct {
    int32_t rows; /* of the input and of the output */
    int32_t inputs;
    int32_t outputs;
    int32_t joint;         /* how many outputs, from the first on, are done by fours: a multiple of 4 */
    const int8_t *weights; /* of the fours, in the order of ec_dot_joint; 0: none */
    const int8_t *tails;   /* [joint][inputs % 4]; 0: none */
    const int8_t *singles; /* [outputs - joint][inputs]; 0: none */
    const int32_t *bias;   /* [outputs] where all share one scaling; 0: it is in the scalings */
    const int32_t *scalings; /* ec_scaling of every output, or one of all */
    int32_t output_zero_point;
    int32_t activation_min; /* of the linear form */
    int32_t activation_max;
} ec_fully_connected_joint_params;

/* The relu form is for layers whose zero point and smallest output are -128, and whose largest is 127. */
void ec_fully_connected_joint_relu(const ec_fully_connected_joint_params *p, const int8_t *input, int8_t *output);
void ec_fully_connected_joint_linear(const ec_fully_connected_joint_params *p, const int8_t *input, int8_t *output);

#ifdef __cplusplus
}
#endif

#endif
