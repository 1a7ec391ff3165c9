/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* In assembly of ARMv6-M, with the sums in high registers; its meaning in C is beside it. */
#include "ec_dot_rows.h"

#if defined(__arm__) && defined(__thumb__) && !defined(__ARM_FEATURE_DSP)

/* r5 the way left to the ends of all rows, negative; r6 input, r7 product */
#define PRODUCT(row, sum)                                                                                              \
    "ldrsb r7, [" row ", r5]\n\t"                                                                                      \
    "muls r7, r6, r7\n\t"                                                                                              \
    "add " sum ", r7\n\t"

#pragma GCC diagnostic ignored "-Wunused-parameter" /* the assembly reads them from their registers */

/* r0 the end of the inputs, r1-r4 those of the weights, r8-r11 sums */
__attribute__((naked, noinline)) void ec_dot_rows(const int8_t *weights, const int8_t *input, int32_t count,
                                                  uint32_t sums[EC_DOT_ROWS]) {
    __asm__ volatile(".syntax unified\n\t"
                     "push {r4-r7, lr}\n\t"
                     "mov r4, r8\n\t"
                     "mov r5, r9\n\t"
                     "mov r6, r10\n\t"
                     "mov r7, r11\n\t"
                     "push {r3-r7}\n\t"
                     "movs r5, r2\n\t"
                     "adds r6, r1, r5\n\t"
                     "adds r1, r0, r5\n\t"
                     "adds r2, r1, r5\n\t"
                     "adds r3, r2, r5\n\t"
                     "adds r4, r3, r5\n\t"
                     "movs r0, r6\n\t"
                     "rsbs r5, r5, #0\n\t"
                     "movs r7, #0\n\t"
                     "mov r8, r7\n\t"
                     "mov r9, r7\n\t"
                     "mov r10, r7\n\t"
                     "mov r11, r7\n"
                     "1:\n\t"
                     "ldrsb r6, [r0, r5]\n\t" PRODUCT("r1", "r8") PRODUCT("r2", "r9") PRODUCT("r3", "r10")
                         PRODUCT("r4", "r11")
                     "adds r5, r5, #1\n\t"
                     "bne 1b\n\t"
                     "ldr r0, [sp]\n\t"
                     "mov r1, r8\n\t"
                     "mov r2, r9\n\t"
                     "mov r3, r10\n\t"
                     "mov r4, r11\n\t"
                     "stm r0!, {r1-r4}\n\t"
                     "pop {r3-r7}\n\t"
                     "mov r8, r4\n\t"
                     "mov r9, r5\n\t"
                     "mov r10, r6\n\t"
                     "mov r11, r7\n\t"
                     "pop {r4-r7, pc}\n\t");
}

#else

void ec_dot_rows(const int8_t *weights, const int8_t *input, int32_t count, uint32_t sums[EC_DOT_ROWS]) {
    for (int32_t output = 0; output < EC_DOT_ROWS; ++output) {
        sums[output] = 0;
        for (int32_t i = 0; i < count; ++i) {
            sums[output] += (uint32_t)(*weights++ * input[i]);
        }
    }
}

#endif
