/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* In assembly, so that nothing leaves the registers; its meaning in C is beside it. */
#include "ec_depthwise_four.h"

#include "ec_dsp.h"

#if EC_HAS_DSP

#pragma GCC diagnostic ignored "-Wunused-parameter" /* the assembly reads them from their registers */

/* r0 line of the strip, r1 weights, r3 bytes of `words`, r4 lines left, r5 place in the line, r6 end of the line's first weights;
 * r8-r11 sums. The frame: 0 sums, 4 pitch. */
#define ENTER                                                                                                          \
    "push {r4-r11, lr}\n\t"                                                                                            \
    "ldm r1, {r1, r3, r4, r5}\n\t"                                                                                     \
    "push {r2, r5}\n\t"                                                                                                \
    "lsl r3, r3, #2\n\t"                                                                                               \
    "mov r8, #0\n\t"                                                                                                   \
    "mov r9, #0\n\t"                                                                                                   \
    "mov r10, #0\n\t"                                                                                                  \
    "mov r11, #0\n"                                                                                                    \
    "1:\n\t"                                                                                                           \
    "mov r5, r0\n\t"                                                                                                   \
    "add r6, r1, r3\n\t"
#define LEAVE                                                                                                          \
    "ldr r5, [sp, #4]\n\t"                                                                                             \
    "add r1, r1, r3\n\t"                                                                                               \
    "subs r4, r4, #1\n\t"                                                                                              \
    "add r0, r0, r5\n\t"                                                                                               \
    "bne 1b\n\t"                                                                                                       \
    "pop {r2, r5}\n\t"                                                                                                 \
    "stm r2, {r8-r11}\n\t"                                                                                             \
    "pop {r4-r11, pc}\n\t"

/* r12 and lr two pairs of inputs, r2 and r7 weights */
__attribute__((naked, noinline)) void ec_depthwise_four_s1(const uint32_t *strip, const ec_depthwise_filter *f, int32_t sums[4]) {
    __asm__ volatile(ENTER "ldr r12, [r5]\n"
                           "2:\n\t"
                           "ldr lr, [r5, #16]!\n\t"
                           "ldr r7, [r1, r3]\n\t"
                           "ldr r2, [r1], #4\n\t"
                           "smlad r8, r12, r2, r8\n\t"
                           "smlad r9, r12, r7, r9\n\t"
                           "smlad r10, lr, r2, r10\n\t"
                           "smlad r11, lr, r7, r11\n\t"
                           "mov r12, lr\n\t"
                           "cmp r1, r6\n\t"
                           "bne 2b\n\t" LEAVE);
}

/* r7, r12, lr and r2 four pairs of inputs, r2 before that the weights */
__attribute__((naked, noinline)) void ec_depthwise_four_s2(const uint32_t *strip, const ec_depthwise_filter *f, int32_t sums[4]) {
    __asm__ volatile(ENTER "ldr r7, [r5]\n\t"
                           "ldr r12, [r5, #16]\n\t"
                           "ldr lr, [r5, #32]!\n"
                           "2:\n\t"
                           "ldr r2, [r1], #4\n\t"
                           "smlad r8, r7, r2, r8\n\t"
                           "smlad r9, r12, r2, r9\n\t"
                           "mov r7, r12\n\t"
                           "mov r12, lr\n\t"
                           "smlad r10, lr, r2, r10\n\t"
                           "ldr lr, [r5, #16]!\n\t"
                           "cmp r1, r6\n\t"
                           "smlad r11, lr, r2, r11\n\t"
                           "bne 2b\n\t" LEAVE);
}

#else

static int32_t one(const uint32_t *strip, const ec_depthwise_filter *f, int32_t second) {
    uint32_t sum = 0;
    for (int32_t line = 0; line < f->lines; ++line) {
        const uint32_t *weights = f->weights + (2 * line + second) * f->words, *inputs = strip + line * (f->pitch / 4);
        for (int32_t i = 0; i < f->words; ++i) {
            sum = ec_multiply_pairs(inputs[4 * i], weights[i], sum);
        }
    }
    return (int32_t)sum;
}

void ec_depthwise_four_s1(const uint32_t *strip, const ec_depthwise_filter *f, int32_t sums[4]) {
    for (int32_t i = 0; i < 4; ++i) {
        sums[i] = one(strip + i / 2 * 4, f, i % 2);
    }
}

void ec_depthwise_four_s2(const uint32_t *strip, const ec_depthwise_filter *f, int32_t sums[4]) {
    for (int32_t i = 0; i < 4; ++i) {
        sums[i] = one(strip + i * 4, f, 0);
    }
}

#endif
