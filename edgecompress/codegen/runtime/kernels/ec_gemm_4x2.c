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

/* One sum, as ec_quick_requantize: r0 multiplier, r1 shift, r2 half, r12 offset */
#define REQUANTIZE(sum)                                                                                                \
    "lsl " sum ", " sum ", #1\n\t"                                                                                     \
    "smmulr " sum ", " sum ", r0\n\t"                                                                                  \
    "add " sum ", " sum ", " sum ", asr #31\n\t"                                                                       \
    "add " sum ", " sum ", r2\n\t"                                                                                     \
    "asr " sum ", " sum ", r1\n\t"                                                                                     \
    "add " sum ", " sum ", r12\n\t"                                                                                    \
    "ssat " sum ", #8, " sum "\n\t"

/* r3 is the struct: 0 and 12 the channels, 24 offset, 28 bias, 36 output, 40 stride */
__attribute__((naked, noinline)) void ec_gemm_4x2_int8(const uint32_t *strip, const int8_t *weights, int32_t pairs,
                                                       const ec_gemm_4x2_outputs *to) {
    __asm__ volatile("push {r4-r11, lr}\n\t" PUSH_ENDS
                     "ldrd r4, r5, [r3, #28]\n\t"
                     "mov r6, r4\n\t"
                     "mov r7, r5\n\t"
                     "mov r8, r4\n\t"
                     "mov r9, r5\n\t"
                     "mov r10, r4\n\t"
                     "mov r11, r5\n\t" ALL_PAIRS
                     "ldr r3, [sp, #4]\n\t"
                     "ldm r3, {r0-r2}\n\t"
                     "ldr r12, [r3, #24]\n\t" REQUANTIZE("r4") REQUANTIZE("r6") REQUANTIZE("r8") REQUANTIZE("r10")
                     "add lr, r3, #12\n\t"
                     "ldm lr, {r0-r2}\n\t" REQUANTIZE("r5") REQUANTIZE("r7") REQUANTIZE("r9") REQUANTIZE("r11")
                     "ldrd r0, r1, [r3, #36]\n\t"
                     "strb r4, [r0]\n\t"
                     "strb r5, [r0, #1]\n\t"
                     "add r0, r0, r1\n\t"
                     "strb r6, [r0]\n\t"
                     "strb r7, [r0, #1]\n\t"
                     "add r0, r0, r1\n\t"
                     "strb r8, [r0]\n\t"
                     "strb r9, [r0, #1]\n\t"
                     "add r0, r0, r1\n\t"
                     "strb r10, [r0]\n\t"
                     "strb r11, [r0, #1]\n\t"
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

void ec_gemm_4x2_int8(const uint32_t *strip, const int8_t *weights, int32_t pairs, const ec_gemm_4x2_outputs *to) {
    const ec_quick_range range = {to->offset, INT8_MIN, INT8_MAX};
    uint32_t sums[8];
    for (int32_t i = 0; i < 8; ++i) {
        sums[i] = to->bias[i % 2];
    }
    ec_gemm_4x2(strip, weights, pairs, sums);
    for (int32_t i = 0; i < 8; ++i) {
        to->output[i / 2 * to->stride + i % 2] = ec_quick_requantize(range, to->channels[i % 2], sums[i]);
    }
}

#endif
