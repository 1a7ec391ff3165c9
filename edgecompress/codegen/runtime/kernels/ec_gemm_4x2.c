/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* Eight accumulators fill the registers of a Cortex-M so exactly that compilers spill them: hence the assembly, with its
 * meaning in C beside it. */
#include "ec_gemm_4x2.h"

#include "ec_dsp.h"

#if EC_HAS_DSP

/* r0 strip, r1 weights, r4-r11 sums; per pair: 3 + 2 loads, 2 widenings, 8 dual multiplications */
#define PAIR                                                                                                           \
    "ldr r2, [r0], #4\n\t"                                                                                             \
    "ldr r3, [r0], #4\n\t"                                                                                             \
    "ldr lr, [r1], #4\n\t"                                                                                             \
    "sxtb16 r12, lr\n\t"                                                                                               \
    "sxtb16 lr, lr, ror #8\n\t"                                                                                        \
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

/* The loop over all pairs. On entry r2 is their number; at [sp] and [sp, #8] stay the ends of the strip's part that is done
 * eight pairs at a time and of all of it; r2, r3, r12 and lr are used up. */
#define PUSH_ENDS                                                                                                      \
    "add r12, r0, r2, lsl #4\n\t"                                                                                      \
    "bic r2, r2, #7\n\t"                                                                                               \
    "add r2, r0, r2, lsl #4\n\t"                                                                                       \
    "push {r2, r3, r12, lr}\n\t"
#define ALL_PAIRS                                                                                                      \
    "ldr r2, [sp]\n\t"                                                                                                 \
    "cmp r0, r2\n\t"                                                                                                   \
    "beq 2f\n"                                                                                                         \
    "1:\n\t" PAIR PAIR PAIR PAIR PAIR PAIR PAIR PAIR                                                                   \
    "ldr r2, [sp]\n\t"                                                                                                 \
    "cmp r0, r2\n\t"                                                                                                   \
    "bne 1b\n"                                                                                                         \
    "2:\n\t"                                                                                                           \
    "ldr r2, [sp, #8]\n\t"                                                                                             \
    "cmp r0, r2\n\t"                                                                                                   \
    "beq 4f\n"                                                                                                         \
    "3:\n\t" PAIR PAIR                                                                                                 \
    "ldr r2, [sp, #8]\n\t"                                                                                             \
    "cmp r0, r2\n\t"                                                                                                   \
    "bne 3b\n"                                                                                                         \
    "4:\n\t"

#pragma GCC diagnostic ignored "-Wunused-parameter" /* the assembly reads them from their registers */

__attribute__((naked, noinline)) void ec_gemm_4x2(const uint32_t *strip, const int8_t *weights, int32_t pairs,
                                                  uint32_t sums[8]) {
    __asm__ volatile("push {r4-r11, lr}\n\t" PUSH_ENDS
                     "ldm r3, {r4-r11}\n\t" ALL_PAIRS
                     "ldr r3, [sp, #4]\n\t"
                     "stm r3, {r4-r11}\n\t"
                     "add sp, sp, #16\n\t"
                     "pop {r4-r11, pc}\n\t");
}

#else

void ec_gemm_4x2(const uint32_t *strip, const int8_t *weights, int32_t pairs, uint32_t sums[8]) {
    for (int32_t pair = 0; pair < pairs; ++pair) {
        const uint32_t both = ec_load_word(weights + 4 * pair);
        for (int32_t pixel = 0; pixel < 4; ++pixel) {
            const uint32_t inputs = strip[4 * pair + pixel];
            sums[2 * pixel] = ec_multiply_pairs(ec_even_bytes(both), inputs, sums[2 * pixel]);
            sums[2 * pixel + 1] = ec_multiply_pairs(ec_odd_bytes(both), inputs, sums[2 * pixel + 1]);
        }
    }
}

#endif
