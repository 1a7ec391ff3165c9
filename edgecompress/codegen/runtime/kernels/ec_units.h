/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* Where a kernel fetches its weights, unit by unit, each over the one before it. */
#ifndef EC_UNITS_H
#define EC_UNITS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    void (*next)(void *decoder, uint32_t *unit);
    void *decoder;
    uint32_t *unit;
} ec_units;

/* The weights of the next unit; there must be one. */
static inline const int8_t *ec_next_unit(const ec_units *units) {
    units->next(units->decoder, units->unit);
    return (const int8_t *)units->unit;
}

#ifdef __cplusplus
}
#endif

#endif
