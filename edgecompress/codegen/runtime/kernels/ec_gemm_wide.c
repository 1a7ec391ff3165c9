/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* In assembly, as ec_gemm_joint.c; its meaning in C is beside it. */
#include "ec_gemm_wide.h"

#include "ec_dsp.h"

#if EC_HAS_DSP

/* r0 inputs, r1 weights; r4-r11 sums. Six loads, eight dual multiplications; 56 bytes. */
#define PAIR                                                                                                           \
    "ldr r12, [r1], #4\n\t"                                                                                            \
    "ldr lr, [r1], #4\n\t"                                                                                             \
    "ldr r2, [r0], #4\n\t"                                                                                             \
    "ldr r3, [r0], #4\n\t"                                                                                             \
    "smlad r4, r12, r2, r4\n\t"                                                                                        \
    "smlad r5, lr, r2, r5\n\t"                                                                                         \
    "smlad r6, r12, r3, r6\n\t"                                                                                        \
    "smlad r7, lr, r3, r7\n\t"                                                                                         \
    "ldr r2, [r0], #4\n\t"                                                                                             \
    "ldr r3, [r0], #4\n\t"                                                                                             \
    "smlad r8, r12, r2, r8\n\t"                                                                                        \
    "smlad r9, lr, r2, r9\n\t"                                                                                         \
    "smlad r10, r12, r3, r10\n\t"                                                                                      \
    "smlad r11, lr, r3, r11\n\t"
#define FOUR_PAIRS PAIR PAIR PAIR PAIR

#pragma GCC diagnostic ignored "-Wunused-parameter" /* the assembly reads them from their registers */

/* The frame: 0 end of the inputs of this product, 4 bytes of a product's inputs, 8 sums, 12 the place in the loop of eight
 * pairs where the first begins, such that the last one ends it; 52 products left, by the caller. */
__attribute__((naked, noinline)) void ec_gemm_wide(const uint32_t *inputs, const uint32_t *weights, int32_t pairs, int32_t *sums,
                                                   int32_t count) {
    __asm__ volatile("push {r4-r11, lr}\n\t"
                     "rsb r4, r2, #0\n\t"
                     "and r4, r4, #7\n\t"
                     "rsb r4, r4, r4, lsl #3\n\t"
                     "adr r5, 2f\n\t"
                     "add r5, r5, r4, lsl #3\n\t"
                     "orr r5, r5, #1\n\t"
                     "mov r4, r3\n\t"
                     "lsl r3, r2, #4\n\t"
                     "mov r2, r0\n\t"
                     "push {r2-r5}\n"
                     "1:\n\t"
                     "ldr r2, [sp]\n\t"
                     "ldr r3, [sp, #4]\n\t"
                     "add r2, r2, r3\n\t"
                     "str r2, [sp]\n\t"
                     "mov r4, #0\n\t"
                     "mov r5, #0\n\t"
                     "mov r6, #0\n\t"
                     "mov r7, #0\n\t"
                     "mov r8, #0\n\t"
                     "mov r9, #0\n\t"
                     "mov r10, #0\n\t"
                     "mov r11, #0\n\t"
                     "ldr pc, [sp, #12]\n\t"
                     ".p2align 2\n"
                     "2:\n\t" FOUR_PAIRS FOUR_PAIRS "ldr r2, [sp]\n\t"
                     "cmp r0, r2\n\t"
                     "bne 2b\n\t"
                     "ldr r2, [sp, #8]\n\t"
                     "ldr r3, [sp, #52]\n\t"
                     "stm r2!, {r4-r11}\n\t"
                     "str r2, [sp, #8]\n\t"
                     "subs r3, r3, #1\n\t"
                     "str r3, [sp, #52]\n\t"
                     "bne 1b\n\t"
                     "add sp, sp, #16\n\t"
                     "pop {r4-r11, pc}\n\t");
}

#else

void ec_gemm_wide(const uint32_t *inputs, const uint32_t *weights, int32_t pairs, int32_t *sums, int32_t count) {
    for (; count > 0; --count, inputs += 4 * pairs, weights += 2 * pairs, sums += 8) {
        for (int32_t i = 0; i < 8; ++i) {
            uint32_t sum = 0;
            for (int32_t pair = 0; pair < pairs; ++pair) {
                sum = ec_multiply_pairs(inputs[4 * pair + i / 2], weights[2 * pair + i % 2], sum);
            }
            sums[i] = (int32_t)sum;
        }
    }
}

#endif
