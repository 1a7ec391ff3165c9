/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* In assembly, so that the loads stay together: behind one another they take a cycle each. */
#include "ec_dot_joint.h"

#include "ec_dsp.h"

#if EC_HAS_DSP

/* r0 weights, r1 input, r2 its end; r4-r7 sums: of the first output of a pair, then joint ones. 5 loads, 6 widenings, 8 dual
 * multiplications for 16 products; 76 bytes. */
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
    "smlad r5, r8, r12, r5\n\t"                                                                                        \
    "sxtb16 lr, r9\n\t"                                                                                                \
    "smlad r6, lr, r12, r6\n\t"                                                                                        \
    "smlad r7, r9, r12, r7\n\t"                                                                                        \
    "sxtb16 lr, r10\n\t"                                                                                               \
    "smlad r4, lr, r3, r4\n\t"                                                                                         \
    "smlad r5, r10, r3, r5\n\t"                                                                                        \
    "sxtb16 lr, r11\n\t"                                                                                               \
    "smlad r6, lr, r3, r6\n\t"                                                                                         \
    "smlad r7, r11, r3, r7\n\t"

#pragma GCC diagnostic ignored "-Wunused-parameter" /* the assembly reads them from their registers */

/* The frame: 0 input, 4 results, 8 the place in the loop of eight steps where the first step begins, such that the last one ends
 * it; 48 the number of fours, by the caller. */
__attribute__((naked, noinline)) void ec_dot_joint(const int8_t *weights, const int8_t *input, int32_t count, int32_t *twice,
                                                   int32_t fours) {
    __asm__ volatile(
        "push {r4-r11, lr}\n\t"
        "rsb r4, r2, #0\n\t"
        "ubfx r4, r4, #2, #3\n\t"
        "add r2, r1, r2\n\t"
        "mov r5, #76\n\t"
        "mul r4, r4, r5\n\t"
        "adr r5, 2f\n\t"
        "add r4, r4, r5\n\t"
        "orr r4, r4, #1\n\t"
        "push {r1, r3, r4}\n"
        "1:\n\t"
        "ldr r1, [sp]\n\t"
        "mov r4, #0\n\t"
        "mov r5, #0\n\t"
        "mov r6, #0\n\t"
        "mov r7, #0\n\t"
        "ldr pc, [sp, #8]\n\t"
        ".p2align 2\n"
        "2:\n\t" FOUR_INPUTS FOUR_INPUTS FOUR_INPUTS FOUR_INPUTS FOUR_INPUTS FOUR_INPUTS FOUR_INPUTS FOUR_INPUTS
        "cmp r1, r2\n\t"
        "bne 2b\n\t"
        "ldr r3, [sp, #4]\n\t"
        "ldr r8, [sp, #48]\n\t"
        "sub r5, r5, r4\n\t"
        "sub r7, r7, r6\n\t"
        "lsl r4, r4, #1\n\t"
        "asr r5, r5, #7\n\t"
        "lsl r6, r6, #1\n\t"
        "asr r7, r7, #7\n\t"
        "stm r3!, {r4-r7}\n\t"
        "str r3, [sp, #4]\n\t"
        "subs r8, r8, #1\n\t"
        "str r8, [sp, #48]\n\t"
        "bne 1b\n\t"
        "add sp, sp, #12\n\t"
        "pop {r4-r11, pc}\n\t");
}

#else

void ec_dot_joint(const int8_t *weights, const int8_t *input, int32_t count, int32_t *twice, int32_t fours) {
    for (; fours > 0; --fours, twice += 4) {
        uint32_t sums[4] = {0, 0, 0, 0};
        for (int32_t i = 0; i < count; i += 4, weights += 16) {
            const uint32_t word = ec_load_word(input + i);
            for (int32_t half = 0; half < 2; ++half) {
                const uint32_t inputs = half == 0 ? ec_even_bytes(word) : ec_odd_bytes(word);
                for (int32_t output = 0; output < 4; output += 2) {
                    const uint32_t both = ec_load_word(weights + 8 * half + 2 * output);
                    sums[output] = ec_multiply_pairs(ec_even_bytes(both), inputs, sums[output]);
                    sums[output + 1] = ec_multiply_pairs(both, inputs, sums[output + 1]);
                }
            }
        }
        for (int32_t output = 0; output < 4; output += 2) {
            twice[output] = (int32_t)(sums[output] << 1);
            twice[output + 1] = (int32_t)(sums[output + 1] - sums[output]) >> 7;
        }
    }
}

#endif
