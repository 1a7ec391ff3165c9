/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_CAST_H
#define EC_CAST_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum ec_cast_type { EC_CAST_BOOL, EC_CAST_UINT8, EC_CAST_INT8, EC_CAST_INT16, EC_CAST_INT32, EC_CAST_FLOAT32 };

typedef struct {
    int32_t elements;
    int32_t from; /* an enum ec_cast_type, not float32 */
    int32_t to;
} ec_cast_params;

/* The same numbers in another type: their low bits where it is smaller, 1 for all but 0 where it is bool. Element by element,
 * each read before it is written. */
void ec_cast(const ec_cast_params *p, const void *input, void *output);

#ifdef __cplusplus
}
#endif

#endif
