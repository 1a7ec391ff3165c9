/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_DEPTHWISE_CONV_2D_MVE_H
#define EC_DEPTHWISE_CONV_2D_MVE_H

#include "ec_requantization.h"
#include "ec_window.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { EC_DEPTHWISE_MVE_MOST_TAPS = 32 };

typedef struct {
    ec_window window; /* at most EC_DEPTHWISE_MVE_MOST_TAPS taps */
    int32_t channels;
    int32_t together; /* neighbouring output pixels whose channels fill 16 lanes, where stride_width is 1; else 1 */
    int32_t zero_point; /* of the input */
    const int8_t *weights; /* by 16 channels, rounded up: [taps][16]; channels that several pixels take are repeated */
    const int32_t *tables; /* likewise by 16 channels, in the kernel's order of them: 16 shifts as int8_t, 16 biases that
                              hold what the zero point adds, 16 multipliers */
    int32_t output_offset;
    int32_t activation_min;
    int32_t activation_max;
} ec_depthwise_conv_2d_mve_params;

/* scratch: channels bytes */
void ec_depthwise_conv_2d_mve(const ec_depthwise_conv_2d_mve_params *p, const int8_t *input, int8_t *output,
                              void *scratch);

#ifdef __cplusplus
}
#endif

#endif
