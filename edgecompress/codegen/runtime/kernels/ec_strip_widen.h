/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_STRIP_WIDEN_H
#define EC_STRIP_WIDEN_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Inputs as they lie in memory. */
typedef struct {
    const int8_t *from; /* the first row of the first lane */
    int32_t rows;
    int32_t run;   /* bytes of a row */
    int32_t pitch; /* bytes from row to row */
    int32_t lanes; /* 1 to 4 */
    int32_t step;  /* bytes from lane to lane */
} ec_strip_patches;

/* Widens them into a strip (ec_strip.h), from the lane on that it points to. */
void ec_strip_widen(uint32_t *strip, const ec_strip_patches *patches);

#ifdef __cplusplus
}
#endif

#endif
