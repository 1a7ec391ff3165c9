/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* In assembly, since four sums, three pairs of inputs and two of weights with their pointers fill all registers; its meaning in C
 * is beside it. */
#include "ec_depthwise_lines.h"

#if EC_HAS_DSP

/* r0 strip, r1 pitch, r2 output, r3 step; r4-r7 sums, r8-r10 inputs, r11 and r12 weights, lr bias, then the filter's row.
 * The frame: 0 weights, 24 bias, 28 multiplier, 32 offset, 36 shift, 40 fours, 44 rest, 48 lines, 52 strip_line, 56 output_line,
 * 60 and 64 where the line began in strip and output, 68 the end of its fours. */
#define ENTER                                                                                                          \
    "push {r4-r11, lr}\n\t"                                                                                            \
    "sub sp, sp, #72\n\t"                                                                                              \
    "mov r12, sp\n\t"                                                                                                  \
    "ldm r0!, {r1-r8}\n\t"                                                                                             \
    "stm r12!, {r1-r8}\n\t"                                                                                            \
    "ldm r0!, {r1-r7}\n\t"                                                                                             \
    "stm r12!, {r1-r7}\n\t"                                                                                            \
    "ldm r0, {r0-r3}\n"                                                                                                \
    "1:\n\t"                                                                                                           \
    "str r0, [sp, #60]\n\t"                                                                                            \
    "str r2, [sp, #64]\n\t"                                                                                            \
    "ldr lr, [sp, #40]\n\t"                                                                                            \
    "add lr, lr, r0\n\t"                                                                                               \
    "str lr, [sp, #68]\n\t"                                                                                            \
    "cmp r0, lr\n\t"                                                                                                   \
    "beq 3f\n"                                                                                                         \
    "2:\n\t"

#define WEIGHTS(row)                                                                                                   \
    "ldr r11, [sp, #8 * " row "]\n\t"                                                                                  \
    "ldr r12, [sp, #8 * " row " + 4]\n\t"

/* Three pairs give four outputs at stride 1. */
#define ROW_OF_4_S1(from, row, bias, r4, r5, r6, r7, next)                                                             \
    "ldr r8, [" from "]\n\t"                                                                                           \
    "ldr r9, [" from ", #16]\n\t"                                                                                      \
    "ldr r10, [" from ", #32]\n\t" WEIGHTS(row) bias "smlad r4, r8, r11, " r4 "\n\t"                                   \
    "smlad r5, r9, r12, " r5 "\n\t"                                                                                    \
    "smlad r6, r9, r11, " r6 "\n\t"                                                                                    \
    "smlad r7, r10, r12, " r7 "\n\t" next "smlabt r4, r9, r12, r4\n\t"                                                 \
    "smlatb r5, r8, r11, r5\n\t"                                                                                       \
    "smlabt r6, r10, r12, r6\n\t"                                                                                      \
    "smlatb r7, r9, r11, r7\n\t"

/* Five pairs give four outputs at stride 2, two pairs after the others. */
#define ROW_OF_4_S2(from, row, bias, r4, r5, r6, r7, next)                                                             \
    "ldr r8, [" from "]\n\t"                                                                                           \
    "ldr r9, [" from ", #16]\n\t"                                                                                      \
    "ldr r10, [" from ", #32]\n\t" WEIGHTS(row) bias "smlad r4, r8, r11, " r4 "\n\t"                                   \
    "smlad r5, r9, r11, " r5 "\n\t"                                                                                    \
    "smlabt r4, r9, r12, r4\n\t"                                                                                       \
    "smlad r6, r10, r11, " r6 "\n\t"                                                                                   \
    "smlabt r5, r10, r12, r5\n\t"                                                                                      \
    "ldr r8, [" from ", #48]\n\t"                                                                                      \
    "ldr r9, [" from ", #64]\n\t"                                                                                      \
    "smlabt r6, r8, r12, r6\n\t"                                                                                       \
    "smlad r7, r8, r11, " r7 "\n\t" next "smlabt r7, r9, r12, r7\n\t"

#define ROW_OF_2_S1(from, row, bias, r4, r5, next)                                                                     \
    "ldr r8, [" from "]\n\t"                                                                                           \
    "ldr r9, [" from ", #16]\n\t" WEIGHTS(row) bias "smlad r4, r8, r11, " r4 "\n\t"                                    \
    "smlad r5, r9, r12, " r5 "\n\t" next "smlabt r4, r9, r12, r4\n\t"                                                  \
    "smlatb r5, r8, r11, r5\n\t"

#define ROW_OF_2_S2(from, row, bias, r4, r5, next)                                                                     \
    "ldr r8, [" from "]\n\t"                                                                                           \
    "ldr r9, [" from ", #16]\n\t"                                                                                      \
    "ldr r10, [" from ", #32]\n\t" WEIGHTS(row) bias "smlad r4, r8, r11, " r4 "\n\t"                                   \
    "smlad r5, r9, r11, " r5 "\n\t" next "smlabt r4, r9, r12, r4\n\t"                                                  \
    "smlabt r5, r10, r12, r5\n\t"

#define BIAS "ldr lr, [sp, #24]\n\t"
#define SECOND_ROW "add lr, r0, r1\n\t"
#define THIRD_ROW "add lr, r0, r1, lsl #1\n\t"
#define SCALING                                                                                                        \
    "ldr r8, [sp, #28]\n\t"                                                                                            \
    "ldr r9, [sp, #32]\n\t"                                                                                            \
    "ldr r10, [sp, #36]\n\t"

#define STORE_RELU(sum)                                                                                                \
    "smmlar " sum ", " sum ", r8, r9\n\t"                                                                              \
    "asr " sum ", " sum ", r10\n\t"                                                                                    \
    "ssat " sum ", #8, " sum ", asr #1\n\t"                                                                            \
    "strb " sum ", [r2]\n\t"                                                                                           \
    "add r2, r2, r3\n\t"
#define STORE_LINEAR(sum)                                                                                              \
    "smmulr " sum ", " sum ", r8\n\t"                                                                                  \
    "add " sum ", " sum ", " sum ", asr #31\n\t"                                                                       \
    "add " sum ", " sum ", r9\n\t"                                                                                     \
    "asr " sum ", " sum ", r10\n\t"                                                                                    \
    "ssat " sum ", #8, " sum ", asr #1\n\t"                                                                            \
    "strb " sum ", [r2]\n\t"                                                                                           \
    "add r2, r2, r3\n\t"

#define FOURS(ROW_OF_4, STORE, bytes)                                                                                  \
    ROW_OF_4("r0", "0", BIAS, "lr", "lr", "lr", "lr", )                                                                \
    SECOND_ROW ROW_OF_4("lr", "1", , "r4", "r5", "r6", "r7", )                                                         \
    THIRD_ROW ROW_OF_4("lr", "2", , "r4", "r5", "r6", "r7", ) SCALING                                                  \
    "ldr r11, [sp, #68]\n\t"                                                                                           \
    "add r0, r0, #" bytes "\n\t" STORE("r4") STORE("r5") STORE("r6") STORE("r7") "cmp r0, r11\n\t"                     \
    "bne 2b\n"

#define REST(ROW_OF_2, STORE, bytes)                                                                                   \
    "3:\n\t"                                                                                                           \
    "ldr r7, [sp, #44]\n\t"                                                                                            \
    "cmp r7, #0\n\t"                                                                                                   \
    "beq 5f\n"                                                                                                         \
    "4:\n\t" ROW_OF_2("r0", "0", BIAS, "lr", "lr", )                                                                   \
    SECOND_ROW ROW_OF_2("lr", "1", , "r4", "r5", )                                                                     \
    THIRD_ROW ROW_OF_2("lr", "2", , "r4", "r5", ) SCALING STORE("r4") "subs r7, r7, #1\n\t"                            \
    "beq 5f\n\t"                                                                                                       \
    "add r0, r0, #" bytes "\n\t" STORE("r5") "subs r7, r7, #1\n\t"                                                     \
    "bne 4b\n"

#define LEAVE                                                                                                          \
    "5:\n\t"                                                                                                           \
    "ldr r0, [sp, #60]\n\t"                                                                                            \
    "ldr r2, [sp, #64]\n\t"                                                                                            \
    "ldr r4, [sp, #52]\n\t"                                                                                            \
    "ldr r5, [sp, #56]\n\t"                                                                                            \
    "ldr r6, [sp, #48]\n\t"                                                                                            \
    "add r0, r0, r4\n\t"                                                                                               \
    "add r2, r2, r5\n\t"                                                                                               \
    "subs r6, r6, #1\n\t"                                                                                              \
    "str r6, [sp, #48]\n\t"                                                                                            \
    "bne 1b\n\t"                                                                                                       \
    "add sp, sp, #72\n\t"                                                                                              \
    "pop {r4-r11, pc}\n\t"

#define LINES(stride, relu, ROW_OF_4, ROW_OF_2, STORE, bytes_of_4, bytes_of_2)                                         \
    __attribute__((naked, noinline)) void ec_depthwise_lines_##stride##_##relu(const ec_depthwise_lines *job) {        \
        __asm__ volatile(ENTER FOURS(ROW_OF_4, STORE, bytes_of_4) REST(ROW_OF_2, STORE, bytes_of_2) LEAVE);            \
    }

#pragma GCC diagnostic ignored "-Wunused-parameter" /* the assembly reads it from its register */

LINES(s1, relu, ROW_OF_4_S1, ROW_OF_2_S1, STORE_RELU, "32", "16")
LINES(s1, linear, ROW_OF_4_S1, ROW_OF_2_S1, STORE_LINEAR, "32", "16")
LINES(s2, relu, ROW_OF_4_S2, ROW_OF_2_S2, STORE_RELU, "64", "32")
LINES(s2, linear, ROW_OF_4_S2, ROW_OF_2_S2, STORE_LINEAR, "64", "32")

#else

static int32_t input(const uint32_t *line, int32_t i) {
    const uint32_t pair = line[i / 2 * (EC_DEPTHWISE_STEP / 4)];
    return i % 2 == 0 ? ec_low(pair) : ec_high(pair);
}

static inline void all_lines(const ec_depthwise_lines *job, int32_t stride, int32_t is_relu) {
    const int32_t outputs = job->fours / (EC_DEPTHWISE_STEP / 2 * stride) + job->rest;
    for (int32_t y = 0; y < job->lines; ++y) {
        const uint32_t *strip = job->strip + y * (job->strip_line / 4);
        for (int32_t x = 0; x < outputs; ++x) {
            int32_t twice = job->bias;
            for (int32_t ky = 0; ky < 3; ++ky) {
                const uint32_t *line = strip + ky * (job->pitch / 4);
                twice += input(line, x * stride) * ec_low(job->weights[2 * ky]);
                twice += input(line, x * stride + 1) * ec_low(job->weights[2 * ky + 1]);
                twice += input(line, x * stride + 2) * ec_high(job->weights[2 * ky + 1]);
            }
            int32_t scaled = ec_multiply_top(twice, job->multiplier);
            scaled += is_relu ? job->offset : (scaled >> 31) + job->offset;
            job->output[y * job->output_line + x * job->output_step] = (int8_t)ec_clamp((scaled >> job->shift) >> 1, -128, 127);
        }
    }
}

void ec_depthwise_lines_s1_relu(const ec_depthwise_lines *job) {
    all_lines(job, 1, 1);
}

void ec_depthwise_lines_s1_linear(const ec_depthwise_lines *job) {
    all_lines(job, 1, 0);
}

void ec_depthwise_lines_s2_relu(const ec_depthwise_lines *job) {
    all_lines(job, 2, 1);
}

void ec_depthwise_lines_s2_linear(const ec_depthwise_lines *job) {
    all_lines(job, 2, 0);
}

#endif
