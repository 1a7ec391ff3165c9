/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* In assembly of ARMv6-M, with four of the sums in high registers; its meaning in C is beside it. */
#include "ec_dot_1x8.h"

#if defined(__arm__) && defined(__thumb__) && !defined(__ARM_FEATURE_DSP)

/* r0 weights, r1 input, r2 the input widened, r3 product, r4-r11 sums */
#define PRODUCT(weight, sum)                                                                                           \
    "ldrb r3, [r0, #" weight "]\n\t"                                                                                   \
    "muls r3, r2, r3\n\t"                                                                                              \
    "add " sum ", r3\n\t"
#define INPUT(index, w0, w1, w2, w3, w4, w5, w6, w7)                                                                   \
    "ldrb r2, [r1, #" index "]\n\t"                                                                                    \
    "sxtb r2, r2\n\t" PRODUCT(w0, "r4") PRODUCT(w1, "r5") PRODUCT(w2, "r6") PRODUCT(w3, "r7") PRODUCT(w4, "r8")        \
        PRODUCT(w5, "r9") PRODUCT(w6, "r10") PRODUCT(w7, "r11")

#pragma GCC diagnostic ignored "-Wunused-parameter" /* the assembly reads them from their registers */

/* r12 the end of the inputs that are done four at a time, lr of all */
__attribute__((naked, noinline)) void ec_dot_1x8(const uint8_t *weights, const int8_t *input, int32_t count,
                                                 uint32_t sums[8]) {
    __asm__ volatile(".syntax unified\n\t"
                     "push {r4-r7, lr}\n\t"
                     "mov r4, r8\n\t"
                     "mov r5, r9\n\t"
                     "mov r6, r10\n\t"
                     "mov r7, r11\n\t"
                     "push {r3-r7}\n\t"
                     "adds r4, r1, r2\n\t"
                     "mov lr, r4\n\t"
                     "lsrs r2, r2, #2\n\t"
                     "lsls r2, r2, #2\n\t"
                     "adds r2, r2, r1\n\t"
                     "mov r12, r2\n\t"
                     "adds r3, r3, #16\n\t"
                     "ldm r3!, {r4-r7}\n\t"
                     "mov r8, r4\n\t"
                     "mov r9, r5\n\t"
                     "mov r10, r6\n\t"
                     "mov r11, r7\n\t"
                     "subs r3, r3, #32\n\t"
                     "ldm r3!, {r4-r7}\n\t"
                     "b 2f\n"
                     "1:\n\t" INPUT("0", "0", "1", "2", "3", "4", "5", "6", "7")
                         INPUT("1", "8", "9", "10", "11", "12", "13", "14", "15")
                             INPUT("2", "16", "17", "18", "19", "20", "21", "22", "23")
                                 INPUT("3", "24", "25", "26", "27", "28", "29", "30", "31")
                     "adds r0, r0, #32\n\t"
                     "adds r1, r1, #4\n"
                     "2:\n\t"
                     "cmp r1, r12\n\t"
                     "bne 1b\n\t"
                     "b 4f\n"
                     "3:\n\t" INPUT("0", "0", "1", "2", "3", "4", "5", "6", "7")
                     "adds r0, r0, #8\n\t"
                     "adds r1, r1, #1\n"
                     "4:\n\t"
                     "cmp r1, lr\n\t"
                     "bne 3b\n\t"
                     "ldr r3, [sp]\n\t"
                     "stm r3!, {r4-r7}\n\t"
                     "mov r4, r8\n\t"
                     "mov r5, r9\n\t"
                     "mov r6, r10\n\t"
                     "mov r7, r11\n\t"
                     "stm r3!, {r4-r7}\n\t"
                     "pop {r3-r7}\n\t"
                     "mov r8, r4\n\t"
                     "mov r9, r5\n\t"
                     "mov r10, r6\n\t"
                     "mov r11, r7\n\t"
                     "pop {r4-r7, pc}\n\t");
}

#else

void ec_dot_1x8(const uint8_t *weights, const int8_t *input, int32_t count, uint32_t sums[8]) {
    for (int32_t i = 0; i < count; ++i, weights += 8) {
        for (int32_t output = 0; output < 8; ++output) {
            sums[output] += (uint32_t)(weights[output] * input[i]);
        }
    }
}

#endif
