/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* ADD, int8, with broadcasting, for processors with a vector unit: a linear function that was proven offline to give the
 * reference's output for every pair of inputs; four elements at a time.
 *
 * In the order of the elements: the four of a step are read before the first is written. */
#include "ec_add_mve.h"

#include "ec_mve.h"

static void add_row(const ec_add_mve_params *p, const int8_t *a, const int8_t *b, int8_t *output, int32_t count) {
#if EC_HAS_MVE
    const int32x4_t low = vdupq_n_s32(p->output_min), high = vdupq_n_s32(p->output_max);
    const int32x4_t factor_b = vdupq_n_s32(p->factor_b);
    const int32_t factor_a = p->factor_a, zero = p->zero, offset = p->offset, bend = -p->bend, shift = -p->shift;
    for (int32_t i = 0; i < count; i += 4) {
        const mve_pred16_t left = vctp32q((uint32_t)(count - i));
        int32x4_t x = vmlasq_n_s32(vldrbq_z_s32(b + i, left), factor_b, zero);
        x = vmlaq_n_s32(x, vldrbq_z_s32(a + i, left), factor_a);
        x = vaddq_n_s32(vmlaq_n_s32(x, vshrq_n_s32(x, 31), bend), offset);
        vstrbq_p_s32(output + i, vminq_s32(vmaxq_s32(vshlq_r_s32(x, shift), low), high), left);
    }
#else
    for (int32_t i = 0; i < count; ++i) {
        const int32_t x = a[i] * p->factor_a + (b[i] * p->factor_b + p->zero);
        const int32_t y = (x + p->offset + (x < 0 ? p->bend : 0)) >> p->shift;
        output[i] = (int8_t)(y < p->output_min ? p->output_min : y > p->output_max ? p->output_max : y);
    }
#endif
}

void ec_add_mve(const ec_add_mve_params *p, const int8_t *a, const int8_t *b, int8_t *output) {
    for (int32_t i = 0; i < p->sizes[0]; ++i) {
        for (int32_t j = 0; j < p->sizes[1]; ++j) {
            for (int32_t k = 0; k < p->sizes[2]; ++k) {
                const int8_t *row_a = a + i * p->strides_a[0] + j * p->strides_a[1] + k * p->strides_a[2];
                const int8_t *row_b = b + i * p->strides_b[0] + j * p->strides_b[1] + k * p->strides_b[2];
                add_row(p, row_a, row_b, output, p->sizes[3]);
                output += p->sizes[3];
            }
        }
    }
}
