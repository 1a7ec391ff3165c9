/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* ec_scale_relu and ec_scale_linear of ec_scaling.h as assembly, for kernels whose sums fill the registers. */
#ifndef EC_SCALING_ASM_H
#define EC_SCALING_ASM_H

/* One sum, shifted to twice its value: r2 multiplier, r3 twice the bias, r12 shift - 1, lr offset. */
#define SCALE_RELU(sum, shift)                                                                                         \
    "add " sum ", r3, " sum ", " shift "\n\t"                                                                          \
    "smmlar " sum ", " sum ", r2, lr\n\t"                                                                              \
    "asr " sum ", " sum ", r12\n\t"                                                                                    \
    "ssat " sum ", #8, " sum ", asr #1\n\t"
#define SCALE_LINEAR(sum, shift)                                                                                       \
    "add " sum ", r3, " sum ", " shift "\n\t"                                                                          \
    "smmulr " sum ", " sum ", r2\n\t"                                                                                  \
    "add " sum ", " sum ", " sum ", asr #31\n\t"                                                                       \
    "add " sum ", " sum ", lr\n\t"                                                                                     \
    "asr " sum ", " sum ", r12\n\t"                                                                                    \
    "ssat " sum ", #8, " sum ", asr #1\n\t"

#endif
