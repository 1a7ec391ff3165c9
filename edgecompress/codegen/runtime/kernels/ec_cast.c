/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* CAST between integers, truth values among them, and to float32. */
#include "ec_cast.h"

static int32_t load(int32_t type, const void *input, int32_t i) {
    switch (type) {
    case EC_CAST_BOOL:
        return ((const uint8_t *)input)[i] != 0;
    case EC_CAST_UINT8:
        return ((const uint8_t *)input)[i];
    case EC_CAST_INT8:
        return ((const int8_t *)input)[i];
    case EC_CAST_INT16:
        return ((const int16_t *)input)[i];
    default:
        return ((const int32_t *)input)[i];
    }
}

static void store(int32_t type, void *output, int32_t i, int32_t value) {
    switch (type) {
    case EC_CAST_BOOL:
        ((uint8_t *)output)[i] = value != 0;
        break;
    case EC_CAST_UINT8:
    case EC_CAST_INT8:
        ((uint8_t *)output)[i] = (uint8_t)value;
        break;
    case EC_CAST_INT16:
        ((int16_t *)output)[i] = (int16_t)value;
        break;
    case EC_CAST_INT32:
        ((int32_t *)output)[i] = value;
        break;
    default:
        ((float *)output)[i] = (float)value;
        break;
    }
}

void ec_cast(const ec_cast_params *p, const void *input, void *output) {
    for (int32_t i = 0; i < p->elements; ++i) {
        store(p->to, output, i, load(p->from, input, i));
    }
}
