/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_LOG_SOFTMAX_H
#define EC_LOG_SOFTMAX_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t rows;
    int32_t depth;
    int32_t multiplier; /* of a difference to the largest, to Q5.26 */
    int32_t left_shift;
    int32_t smallest_difference; /* that counts in the sum */
    int32_t reverse_multiplier;  /* from Q5.26 to a difference */
    int32_t reverse_shift;
} ec_log_softmax_params;

void ec_log_softmax(const ec_log_softmax_params *p, const int8_t *input, int8_t *output);

#ifdef __cplusplus
}
#endif

#endif
