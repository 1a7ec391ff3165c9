/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_SELECT_H
#define EC_SELECT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    struct {
        int32_t sizes[4];             /* of the loops over the output, outermost first */
        int32_t strides_condition[4]; /* in elements; 0 where the operand repeats */
        int32_t strides_x[4];
        int32_t strides_y[4];
    } loops;
    int32_t bytes; /* of an element: 1, 2 or 4 */
} ec_select_params;

/* x where the condition is not 0, else y. */
void ec_select(const ec_select_params *p, const uint8_t *condition, const void *x, const void *y, void *output);

#ifdef __cplusplus
}
#endif

#endif
