/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* In assembly, so that the loads stay together: behind one another they take a cycle each. */
#include "ec_dot_1x4.h"

#include "ec_dsp.h"

#if EC_HAS_DSP

/* r0 weights, r1 input, r4-r7 sums; 5 loads, 10 widenings, 8 dual multiplications for 16 products */
#define FOUR_INPUTS                                                                                                    \
    "ldr r3, [r1], #4\n\t"                                                                                             \
    "ldr r8, [r0], #4\n\t"                                                                                             \
    "ldr r9, [r0], #4\n\t"                                                                                             \
    "ldr r10, [r0], #4\n\t"                                                                                            \
    "ldr r11, [r0], #4\n\t"                                                                                            \
    "sxtb16 r12, r3\n\t"                                                                                               \
    "sxtb16 r3, r3, ror #8\n\t"                                                                                        \
    "sxtb16 lr, r8\n\t"                                                                                                \
    "smlad r4, lr, r12, r4\n\t"                                                                                        \
    "sxtb16 r8, r8, ror #8\n\t"                                                                                        \
    "smlad r5, r8, r12, r5\n\t"                                                                                        \
    "sxtb16 lr, r9\n\t"                                                                                                \
    "smlad r6, lr, r12, r6\n\t"                                                                                        \
    "sxtb16 r9, r9, ror #8\n\t"                                                                                        \
    "smlad r7, r9, r12, r7\n\t"                                                                                        \
    "sxtb16 lr, r10\n\t"                                                                                               \
    "smlad r4, lr, r3, r4\n\t"                                                                                         \
    "sxtb16 r10, r10, ror #8\n\t"                                                                                      \
    "smlad r5, r10, r3, r5\n\t"                                                                                        \
    "sxtb16 lr, r11\n\t"                                                                                               \
    "smlad r6, lr, r3, r6\n\t"                                                                                         \
    "sxtb16 r11, r11, ror #8\n\t"                                                                                      \
    "smlad r7, r11, r3, r7\n\t"

#pragma GCC diagnostic ignored "-Wunused-parameter" /* the assembly reads them from their registers */

__attribute__((naked, noinline)) void ec_dot_1x4(const int8_t *weights, const int8_t *input, int32_t count,
                                                 uint32_t sums[4]) {
    __asm__ volatile(
        "push {r3-r11, lr}\n\t"
        "ldm r3, {r4-r7}\n\t"
        "subs r2, r2, #16\n\t"
        "blt 2f\n"
        "1:\n\t" FOUR_INPUTS FOUR_INPUTS FOUR_INPUTS FOUR_INPUTS
        "subs r2, r2, #16\n\t"
        "bge 1b\n"
        "2:\n\t"
        "adds r2, r2, #16\n\t"
        "beq 4f\n"
        "3:\n\t" FOUR_INPUTS
        "subs r2, r2, #4\n\t"
        "bne 3b\n"
        "4:\n\t"
        "ldr r3, [sp]\n\t"
        "stm r3, {r4-r7}\n\t"
        "pop {r3-r11, pc}\n\t");
}

#else

void ec_dot_1x4(const int8_t *weights, const int8_t *input, int32_t count, uint32_t sums[4]) {
    for (int32_t i = 0; i < count; i += 4, weights += 16) {
        const uint32_t word = ec_load_word(input + i);
        for (int32_t half = 0; half < 2; ++half) {
            const uint32_t inputs = half == 0 ? ec_even_bytes(word) : ec_odd_bytes(word);
            for (int32_t output = 0; output < 4; output += 2) {
                const uint32_t both = ec_load_word(weights + 8 * half + 2 * output);
                sums[output] = ec_multiply_pairs(ec_even_bytes(both), inputs, sums[output]);
                sums[output + 1] = ec_multiply_pairs(ec_odd_bytes(both), inputs, sums[output + 1]);
            }
        }
    }
}

#endif
