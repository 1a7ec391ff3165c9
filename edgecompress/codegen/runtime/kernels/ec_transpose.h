/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_TRANSPOSE_H
#define EC_TRANSPOSE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t sizes[6];   /* of the output, outermost first */
    int32_t strides[6]; /* of the input along each of the output's dimensions */
} ec_transpose_params;

void ec_transpose(const ec_transpose_params *p, const int8_t *input, int8_t *output);

#ifdef __cplusplus
}
#endif

#endif
