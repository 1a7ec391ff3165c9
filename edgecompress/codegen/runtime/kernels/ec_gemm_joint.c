/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* Eight accumulators fill the registers of a Cortex-M so exactly that compilers spill them: hence the assembly, with its
 * meaning in C beside it; a single pixel needs none. A loop of eight pairs and what follows it stay below 1 KB: that is all the
 * instruction cache that some chips have, and twice the loop would gain 2 % where flash never waits and lose 30 % there. */
#include "ec_gemm_joint.h"

#include "ec_scaling_asm.h"

#if EC_HAS_DSP

/* r0 strip, r1 weights; r4, r6, r8, r10 the sums of the first channel, r5, r7, r9, r11 the joint ones. Per pair of inputs: five
 * loads, one widening, eight dual multiplications; 56 bytes. */
#define PAIR(multiply, r4, r5, r6, r7, r8, r9, r10, r11)                                                               \
    "ldr lr, [r1], #4\n\t"                                                                                             \
    "ldr r2, [r0], #4\n\t"                                                                                             \
    "ldr r3, [r0], #4\n\t"                                                                                             \
    "sxtb16 r12, lr\n\t" multiply " r4, r12, r2" r4 multiply " r5, lr, r2" r5 multiply " r6, r12, r3" r6 multiply      \
    " r7, lr, r3" r7 "ldr r2, [r0], #4\n\t"                                                                            \
    "ldr r3, [r0], #4\n\t" multiply " r8, r12, r2" r8 multiply " r9, lr, r2" r9 multiply " r10, r12, r3" r10 multiply  \
    " r11, lr, r3" r11
#define FIRST_PAIR PAIR("smuad", "\n\t", "\n\t", "\n\t", "\n\t", "\n\t", "\n\t", "\n\t", "\n\t")
#define NEXT_PAIR                                                                                                      \
    PAIR("smlad", ", r4\n\t", ", r5\n\t", ", r6\n\t", ", r7\n\t", ", r8\n\t", ", r9\n\t", ", r10\n\t", ", r11\n\t")
#define FOUR_PAIRS NEXT_PAIR NEXT_PAIR NEXT_PAIR NEXT_PAIR

/* The frame on the stack, and the place in the loop of eight pairs where the second pair begins, such that the last pair
 * ends it: 0 strip, 4 scalings, 8 output, 12 stride, 16 end of the scalings, 20 that place, 24 end of the strip, 28 the zero
 * point doubled plus one. */
#define ENTER                                                                                                          \
    "push {r4-r11, lr}\n\t"                                                                                            \
    "ldm r1, {r1-r7}\n\t"                                                                                              \
    "lsl r8, r7, #1\n\t"                                                                                               \
    "add r8, r8, #1\n\t"                                                                                               \
    "add r7, r0, r6, lsl #4\n\t"                                                                                       \
    "rsb r6, r6, #1\n\t"                                                                                               \
    "and r6, r6, #7\n\t"                                                                                               \
    "rsb r6, r6, r6, lsl #3\n\t"                                                                                       \
    "adr r9, 2f\n\t"                                                                                                   \
    "add r6, r9, r6, lsl #3\n\t"                                                                                       \
    "orr r6, r6, #1\n\t"                                                                                               \
    "add r5, r2, r5, lsl #4\n\t"                                                                                       \
    "push {r0, r2-r8}\n"
#define ALL_PAIRS                                                                                                      \
    "1:\n\t"                                                                                                           \
    "ldr r0, [sp]\n\t" FIRST_PAIR "ldr pc, [sp, #20]\n\t"                                                              \
    ".p2align 2\n"                                                                                                     \
    "2:\n\t" FOUR_PAIRS FOUR_PAIRS                                                                                     \
    "ldr r2, [sp, #24]\n\t"                                                                                            \
    "cmp r0, r2\n\t"                                                                                                   \
    "bne 2b\n\t"

/* A channel's scaling at r0: r2 multiplier, r3 twice the bias, r12 shift - 1, lr offset. */
#define SCALING(zero_point)                                                                                            \
    "ldm r0!, {r2, r3}\n\t" zero_point "and r12, r3, #63\n\t"                                                          \
    "asr r3, r3, #5\n\t"                                                                                               \
    "lsl lr, lr, r12\n\t"

#define LEAVE(zero_point, scale)                                                                                       \
    "ldr r0, [sp, #4]\n\t"                                                                                             \
    "sub r5, r5, r4\n\t"                                                                                               \
    "sub r7, r7, r6\n\t"                                                                                               \
    "sub r9, r9, r8\n\t"                                                                                               \
    "sub r11, r11, r10\n\t" SCALING(zero_point) scale("r4", "lsl #1") scale("r6", "lsl #1") scale("r8", "lsl #1")      \
        scale("r10", "lsl #1") SCALING(zero_point) scale("r5", "asr #7") scale("r7", "asr #7") scale("r9", "asr #7")   \
            scale("r11", "asr #7") "ldr r3, [sp, #8]\n\t"                                                              \
                                   "ldr r2, [sp, #12]\n\t"                                                             \
                                   "ldr r12, [sp, #16]\n\t"                                                            \
                                   "str r0, [sp, #4]\n\t"                                                              \
                                   "cmp r0, r12\n\t"                                                                   \
                                   "strb r4, [r3]\n\t"                                                                 \
                                   "strb r5, [r3, #1]\n\t"                                                             \
                                   "add r12, r3, r2\n\t"                                                               \
                                   "add lr, r12, r2\n\t"                                                               \
                                   "add r2, lr, r2\n\t"                                                                \
                                   "strb r6, [r12]\n\t"                                                                \
                                   "strb r7, [r12, #1]\n\t"                                                            \
                                   "strb r8, [lr]\n\t"                                                                 \
                                   "strb r9, [lr, #1]\n\t"                                                             \
                                   "strb r10, [r2]\n\t"                                                                \
                                   "strb r11, [r2, #1]\n\t"                                                            \
                                   "add r3, r3, #2\n\t"                                                                \
                                   "str r3, [sp, #8]\n\t"                                                              \
                                   "bne 1b\n\t"                                                                        \
                                   "add sp, sp, #32\n\t"                                                               \
                                   "pop {r4-r11, pc}\n\t"

#pragma GCC diagnostic ignored "-Wunused-parameter" /* the assembly reads them from their registers */

__attribute__((naked, noinline)) void ec_gemm_joint_relu(const uint32_t *strip, const ec_gemm_joint *job) {
    __asm__ volatile(ENTER ALL_PAIRS LEAVE("mvn lr, #254\n\t", SCALE_RELU));
}

__attribute__((naked, noinline)) void ec_gemm_joint_linear(const uint32_t *strip, const ec_gemm_joint *job) {
    __asm__ volatile(ENTER ALL_PAIRS LEAVE("ldr lr, [sp, #28]\n\t", SCALE_LINEAR));
}

#else

void ec_gemm_joint_relu(const uint32_t *strip, const ec_gemm_joint *job) {
    for (int32_t pixel = 0; pixel < 4; ++pixel) {
        ec_gemm_joint one = *job;
        one.output += pixel * job->stride;
        ec_gemm_joint_one_relu(strip + pixel, &one);
    }
}

void ec_gemm_joint_linear(const uint32_t *strip, const ec_gemm_joint *job) {
    for (int32_t pixel = 0; pixel < 4; ++pixel) {
        ec_gemm_joint one = *job;
        one.output += pixel * job->stride;
        ec_gemm_joint_one_linear(strip + pixel, &one);
    }
}

#endif

/* Two pairs of inputs at a time, so that their loads are neighbours; `is_relu` is a constant where it is inlined. */
static inline __attribute__((always_inline)) void multiply_one(const uint32_t *strip, const ec_gemm_joint *job, int32_t is_relu) {
    const int8_t *weights = job->weights;
    for (int32_t pair = 0; pair < job->channel_pairs; ++pair) {
        const uint32_t *inputs = strip;
        uint32_t first = 0, joint = 0;
        for (int32_t i = 0; i < job->input_pairs; i += 2, inputs += 8, weights += 8) {
            const uint32_t w0 = ec_load_word(weights), w1 = ec_load_word(weights + 4), x0 = inputs[0], x1 = inputs[4];
            first = ec_multiply_pairs(ec_even_bytes(w0), x0, first);
            joint = ec_multiply_pairs(w0, x0, joint);
            first = ec_multiply_pairs(ec_even_bytes(w1), x1, first);
            joint = ec_multiply_pairs(w1, x1, joint);
        }
        const ec_scaling a = ec_scaling_of(job->scalings, 2 * pair), b = ec_scaling_of(job->scalings, 2 * pair + 1);
        const int32_t twice_a = ec_scaling_bias(a) + (int32_t)(first << 1);
        const int32_t twice_b = ec_scaling_bias(b) + ((int32_t)(joint - first) >> 7);
        job->output[2 * pair] = is_relu ? ec_scale_relu(a, twice_a) : ec_scale_linear(a, twice_a, job->zero_point);
        job->output[2 * pair + 1] = is_relu ? ec_scale_relu(b, twice_b) : ec_scale_linear(b, twice_b, job->zero_point);
    }
}

void ec_gemm_joint_one_relu(const uint32_t *strip, const ec_gemm_joint *job) {
    multiply_one(strip, job, 1);
}

void ec_gemm_joint_one_linear(const uint32_t *strip, const ec_gemm_joint *job) {
    multiply_one(strip, job, 0);
}
