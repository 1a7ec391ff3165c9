/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_LOGICAL_H
#define EC_LOGICAL_H

#include "ec_broadcast.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    ec_broadcast loops;
    int32_t truths; /* bits: of (0, 0), (0, 1), (1, 0), (1, 1) */
} ec_logical_params;

/* Any function of two truth values. */
void ec_logical(const ec_logical_params *p, const uint8_t *a, const uint8_t *b, uint8_t *output);

#ifdef __cplusplus
}
#endif

#endif
