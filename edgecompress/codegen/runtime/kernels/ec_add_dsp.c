/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* ADD, int8, of operands of one shape, for processors with a multiplication that keeps the upper half: element by element. */
#include "ec_add_dsp.h"

#if EC_HAS_DSP

#pragma GCC diagnostic ignored "-Wunused-parameter" /* the assembly reads them from their registers */

/* r0 large, r1 small, r2 output, r3 its end; r4-r11 the parameters in their order, r12 and lr one element of each operand */
#define ONE                                                                                                            \
    "ldrsb r12, [r0], #1\n\t"                                                                                          \
    "ldrsb lr, [r1], #1\n\t"                                                                                           \
    "add lr, r5, lr, lsl #21\n\t"                                                                                      \
    "smmulr lr, lr, r6\n\t"                                                                                            \
    "add lr, lr, lr, asr #31\n\t"                                                                                      \
    "add lr, lr, r7\n\t"                                                                                               \
    "asr lr, lr, r8\n\t"                                                                                               \
    "add r12, r4, r12, lsl #20\n\t"                                                                                    \
    "add r12, r12, lr, lsl #1\n\t"
#define STORE_RELU                                                                                                     \
    "smmlar r12, r12, r9, r11\n\t"                                                                                     \
    "asr r12, r12, r10\n\t"                                                                                            \
    "ssat r12, #8, r12, asr #1\n\t"                                                                                    \
    "strb r12, [r2], #1\n\t"
#define STORE_LINEAR                                                                                                   \
    "smmulr r12, r12, r9\n\t"                                                                                          \
    "add r12, r12, r12, asr #31\n\t"                                                                                   \
    "add r12, r12, r11\n\t"                                                                                            \
    "asr r12, r12, r10\n\t"                                                                                            \
    "ssat r12, #8, r12, asr #1\n\t"                                                                                    \
    "strb r12, [r2], #1\n\t"

/* Four elements at a time, the first `count` % 4 of them before. */
#define ALL(one)                                                                                                       \
    "push {r4-r11, lr}\n\t"                                                                                            \
    "ldm r3, {r3-r11}\n\t"                                                                                             \
    "add r3, r2, r3\n"                                                                                                 \
    "1:\n\t"                                                                                                           \
    "sub r12, r3, r2\n\t"                                                                                              \
    "tst r12, #3\n\t"                                                                                                  \
    "beq 2f\n\t" one "b 1b\n"                                                                                         \
    "2:\n\t"                                                                                                           \
    "cmp r2, r3\n\t"                                                                                                   \
    "beq 4f\n"                                                                                                         \
    "3:\n\t" one one one one                                                                                           \
    "cmp r2, r3\n\t"                                                                                                   \
    "bne 3b\n"                                                                                                         \
    "4:\n\t"                                                                                                           \
    "pop {r4-r11, pc}\n\t"

static __attribute__((naked, noinline)) void add_relu(const int8_t *large, const int8_t *small, int8_t *output,
                                                      const ec_add_dsp_params *p) {
    __asm__ volatile(ALL(ONE STORE_RELU));
}

static __attribute__((naked, noinline)) void add_linear(const int8_t *large, const int8_t *small, int8_t *output,
                                                        const ec_add_dsp_params *p) {
    __asm__ volatile(ALL(ONE STORE_LINEAR));
}

#else

static int32_t twice_sum(const ec_add_dsp_params *p, int32_t large, int32_t small) {
    const int32_t scaled = ec_multiply_top(small * (1 << 21) + p->small_offset, p->small_multiplier);
    /* halves away from zero: a negative number gets one less before the shift */
    const int32_t rounded = (scaled + (scaled >> 31) + p->small_half) >> p->small_shift;
    return p->large_offset + large * (1 << 20) + rounded * 2;
}

static int8_t saturate(int32_t scaled, int32_t shift) {
    return (int8_t)ec_clamp((scaled >> shift) >> 1, -128, 127);
}

static void add_relu(const int8_t *large, const int8_t *small, int8_t *output, const ec_add_dsp_params *p) {
    for (int32_t i = 0; i < p->elements; ++i) {
        const int32_t scaled = ec_multiply_top(twice_sum(p, large[i], small[i]), p->output_multiplier);
        output[i] = saturate(scaled + p->output_offset, p->output_shift);
    }
}

static void add_linear(const int8_t *large, const int8_t *small, int8_t *output, const ec_add_dsp_params *p) {
    for (int32_t i = 0; i < p->elements; ++i) {
        const int32_t scaled = ec_multiply_top(twice_sum(p, large[i], small[i]), p->output_multiplier);
        output[i] = saturate(scaled + (scaled >> 31) + p->output_offset, p->output_shift);
    }
}

#endif

void ec_add_dsp_relu(const ec_add_dsp_params *p, const int8_t *large, const int8_t *small, int8_t *output) {
    add_relu(large, small, output, p);
}

void ec_add_dsp_linear(const ec_add_dsp_params *p, const int8_t *large, const int8_t *small, int8_t *output) {
    add_linear(large, small, output, p);
}
