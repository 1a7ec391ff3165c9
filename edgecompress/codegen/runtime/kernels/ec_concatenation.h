/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_CONCATENATION_H
#define EC_CONCATENATION_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t inputs;
    int32_t rows;
    const int32_t *bytes; /* [inputs], of a row of each */
} ec_concatenation_params;

/* Row by row, the inputs' rows side by side; of any type. */
void ec_concatenation(const ec_concatenation_params *p, const void *const *inputs, void *output);

#ifdef __cplusplus
}
#endif

#endif
