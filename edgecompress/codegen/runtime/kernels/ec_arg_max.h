/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_ARG_MAX_H
#define EC_ARG_MAX_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t rows;   /* before the axis */
    int32_t length; /* along it */
    int32_t stride; /* behind it */
} ec_arg_max_params;

/* Where along the axis the largest value is, the first of equal ones. */
void ec_arg_max(const ec_arg_max_params *p, const int8_t *input, int32_t *output);
/* Where the smallest is. */
void ec_arg_min(const ec_arg_max_params *p, const int8_t *input, int32_t *output);

#ifdef __cplusplus
}
#endif

#endif
