/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* A slice of the inputs, 32 of each of three pixels, stays in six vector registers while the weights of all channels pass
 * by: 16 products for each vector multiplication, and one load serves three of them. The sums of two channels wait in memory
 * from slice to slice. In assembly, since compilers neither keep to the even registers that the sums need nor load and
 * store them together; the meaning in C is beside it. */
#include "ec_gemm_3x2_mve.h"

#include "ec_mve.h"

#if EC_HAS_MVE

#define LOAD_SUMS "ldm r3, {r0, r2, r4, r6, r8, r10}\n\t"
#define STORE_SUMS                                                                                                     \
    "stm r3!, {r0, r2, r4, r6, r8, r10}\n\t"                                                                           \
    "le lr, 1b\n\t"

/* One channel's weights of a whole slice times q0-q2 (first half) and q3-q5; `a` is "" or "a", to begin or to go on. */
#define WHOLE(s0, s1, s2, a)                                                                                           \
    "vldrb.8 q6, [r1], #16\n\t"                                                                                        \
    "vmladav" a ".s8 " s0 ", q0, q6\n\t"                                                                               \
    "vldrb.8 q7, [r1], #16\n\t"                                                                                        \
    "vmladav" a ".s8 " s1 ", q1, q6\n\t"                                                                               \
    "vmladav" a ".s8 " s2 ", q2, q6\n\t"                                                                               \
    "vmladava.s8 " s0 ", q3, q7\n\t"                                                                                   \
    "vmladava.s8 " s1 ", q4, q7\n\t"                                                                                   \
    "vmladava.s8 " s2 ", q5, q7\n\t"

/* The same for a slice of r12 inputs, at most 16. */
#define PART(s0, s1, s2, a)                                                                                            \
    "vldrb.8 q6, [r1]\n\t"                                                                                             \
    "add r1, r1, r12\n\t"                                                                                              \
    "vmladav" a ".s8 " s0 ", q0, q6\n\t"                                                                               \
    "vmladav" a ".s8 " s1 ", q1, q6\n\t"                                                                               \
    "vmladav" a ".s8 " s2 ", q2, q6\n\t"

#define BOTH(slice, a) slice("r0", "r2", "r4", a) slice("r6", "r8", "r10", a)

/* The inputs of a slice; then r3 is where the sums are, and lr counts the pairs of channels. */
#define START                                                                                                          \
    "ldr r3, [sp, #64]\n\t"                                                                                                 \
    "ldrd lr, r3, [r3, #20]\n\t"                                                                                       \
    "dls lr, lr\n"                                                                                                     \
    "1:\n\t"
#define START_WHOLE                                                                                                    \
    "sub r11, r11, #32\n\t"                                                                                            \
    "vldrb.8 q0, [r5], #16\n\t"                                                                                        \
    "vldrb.8 q1, [r7], #16\n\t"                                                                                        \
    "vldrb.8 q2, [r9], #16\n\t"                                                                                        \
    "vldrb.8 q3, [r5], #16\n\t"                                                                                        \
    "vldrb.8 q4, [r7], #16\n\t"                                                                                        \
    "vldrb.8 q5, [r9], #16\n\t" START
/* what is loaded beyond the depth is zero: the weights there are another channel's */
#define START_PART                                                                                                     \
    "mov r12, #16\n\t"                                                                                                 \
    "cmp r11, #16\n\t"                                                                                                 \
    "it lt\n\t"                                                                                                        \
    "movlt r12, r11\n\t"                                                                                               \
    "sub r11, r11, r12\n\t"                                                                                            \
    "vctp.8 r12\n\t"                                                                                                   \
    "vpsttt\n\t"                                                                                                       \
    "vldrbt.8 q0, [r5], #16\n\t"                                                                                       \
    "vldrbt.8 q1, [r7], #16\n\t"                                                                                       \
    "vldrbt.8 q2, [r9], #16\n\t" START

#pragma GCC diagnostic ignored "-Wunused-parameter" /* the assembly reads it from its register */

/* r1 weights, r5, r7, r9 inputs, r11 what is left of the line, [sp, #64] the struct, [sp, #68] the lines left */
__attribute__((naked, noinline)) const int8_t *ec_gemm_3x2_mve(const ec_gemm_3x2_mve_block *block) {
    __asm__ volatile("ldr r3, [r0, #28]\n\t"
                     "push {r0, r3, r4-r11, lr}\n\t"
                     "vpush {d8-d15}\n\t"
                     "ldm r0!, {r5, r7, r9}\n\t"
                     "ldrd r1, r11, [r0]\n\t"
                     "cmp r11, #32\n\t"
                     "blt 3f\n\t" START_WHOLE BOTH(WHOLE, "") STORE_SUMS
                     "b 4f\n"
                     "3:\n\t" START_PART BOTH(PART, "") STORE_SUMS
                     "4:\n\t" /* the first slice is done */
                     "cmp r11, #32\n\t"
                     "blt 5f\n\t" START_WHOLE LOAD_SUMS BOTH(WHOLE, "a") STORE_SUMS
                     "b 4b\n"
                     "5:\n\t"
                     "cmp r11, #0\n\t"
                     "beq 6f\n\t" START_PART LOAD_SUMS BOTH(PART, "a") STORE_SUMS
                     "b 5b\n"
                     "6:\n\t"
                     "ldrd r0, r2, [sp, #64]\n\t"
                     "subs r2, r2, #1\n\t"
                     "beq 7f\n\t"
                     "str r2, [sp, #68]\n\t"
                     "ldr r11, [r0, #16]\n\t"
                     "ldr r0, [r0, #32]\n\t"
                     "add r5, r5, r0\n\t"
                     "add r7, r7, r0\n\t"
                     "add r9, r9, r0\n\t"
                     "b 4b\n"
                     "7:\n\t"
                     "mov r0, r1\n\t"
                     "vpop {d8-d15}\n\t"
                     "add sp, sp, #8\n\t"
                     "pop {r4-r11, pc}\n\t");
}

#else

/* `from` are the inputs' places in the slice; `begins` is whether the sums do. */
static const int8_t *multiply_slice(const ec_gemm_3x2_mve_block *b, const int8_t *weights, int32_t from, int32_t count,
                                    int begins) {
    for (int32_t channel = 0; channel < 2 * b->pairs; ++channel) {
        for (int32_t pixel = 0; pixel < EC_GEMM_PIXELS; ++pixel) {
            int32_t *sum = b->sums + EC_GEMM_PIXELS * channel + pixel;
            *sum = begins ? 0 : *sum;
            for (int32_t i = 0; i < count; ++i) {
                *sum += b->inputs[pixel][from + i] * weights[i];
            }
        }
        weights += count;
    }
    return weights;
}

const int8_t *ec_gemm_3x2_mve(const ec_gemm_3x2_mve_block *block) {
    const int8_t *weights = block->weights;
    const int32_t step = (block->depth + 15) / 16 * 16 + block->gap;
    for (int32_t line = 0; line < block->lines; ++line) {
        for (int32_t first = 0; first < block->depth;) {
            const int32_t left = block->depth - first;
            const int32_t count = left >= 32 ? 32 : left >= 16 ? 16 : left;
            weights = multiply_slice(block, weights, line * step + first, count, line == 0 && first == 0);
            first += count;
        }
    }
    return weights;
}

#endif
