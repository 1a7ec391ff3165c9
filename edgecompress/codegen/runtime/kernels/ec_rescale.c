/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* QUANTIZE between signed integers of different widths or scales. */
#include "ec_rescale.h"

static int32_t rescaled(const ec_rescale_params *p, int32_t value) {
    const int32_t scaled = ec_multiply_by_quantized_multiplier((int32_t)((uint32_t)value + (uint32_t)p->input_offset), p->multiplier, p->shift);
    return (int32_t)((uint32_t)scaled + (uint32_t)p->output_offset);
}

void ec_rescale(const ec_rescale_params *p, const void *input, void *output) {
    for (int32_t i = 0; i < p->elements; ++i) {
        const int32_t value = p->in_bytes == 4 ? ((const int32_t *)input)[i] : ec_value(input, i, p->in_bytes);
        const int32_t result = rescaled(p, value);
        if (p->out_bytes == 1) {
            ((int8_t *)output)[i] = (int8_t)ec_clamp(result, INT8_MIN, INT8_MAX);
        } else if (p->out_bytes == 2) {
            ((int16_t *)output)[i] = (int16_t)ec_clamp(result, INT16_MIN, INT16_MAX);
        } else {
            ((int32_t *)output)[i] = result;
        }
    }
}
