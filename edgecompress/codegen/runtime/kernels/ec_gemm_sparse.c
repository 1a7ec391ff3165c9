/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* In assembly, as ec_gemm_joint.c; its meaning in C is beside it. */
#include "ec_gemm_sparse.h"

#include "ec_lanes.h"
#include "ec_scaling_asm.h"

#if EC_HAS_DSP

/* r0 the next input's lanes, r1 list, r12 weight, lr what was read ahead of the list; r4, r6, r8, r10 the sums of the even pixels,
 * r5, r7, r9, r11 the joint ones. Eight products. */
#define MULTIPLY                                                                                                       \
    "smlabb r5, r12, r2, r5\n\t"                                                                                       \
    "smlabt r7, r12, r2, r7\n\t"                                                                                       \
    "uxtb16 r2, r2\n\t"                                                                                                \
    "smlabb r9, r12, r3, r9\n\t"                                                                                       \
    "smlabt r11, r12, r3, r11\n\t"                                                                                     \
    "uxtb16 r3, r3\n\t"                                                                                                \
    "smlabb r4, r12, r2, r4\n\t"                                                                                       \
    "smlabt r6, r12, r2, r6\n\t"                                                                                       \
    "smlabb r8, r12, r3, r8\n\t"                                                                                       \
    "smlabt r10, r12, r3, r10\n\t"

/* An entry, with the next one's byte read ahead: 68 bytes. */
#define SHARED_ENTRY                                                                                                   \
    "and r12, lr, #15\n\t"                                                                                             \
    "lsr lr, lr, #4\n\t"                                                                                               \
    "add r0, r0, lr, lsl #3\n\t"                                                                                       \
    "ldrsb r12, [sp, r12]\n\t"                                                                                         \
    "ldr r2, [r0], #4\n\t"                                                                                             \
    "ldr r3, [r0], #4\n\t"                                                                                             \
    "ldrb lr, [r1], #1\n\t" MULTIPLY
#define SHARED_START                                                                                                   \
    "add r3, r1, r2\n\t"                                                                                               \
    "ldrb lr, [r1], #1\n\t"
#define SHARED_PLACE                                                                                                   \
    "add r2, r2, r2, lsl #4\n\t"                                                                                       \
    "adr r3, 2f\n\t"                                                                                                   \
    "add r3, r3, r2, lsl #2\n\t"

/* The same with the next one's gap: 60 bytes. */
#define ANY_ENTRY                                                                                                      \
    "ldrsb r12, [r1], #1\n\t"                                                                                          \
    "ldr r2, [r0], #4\n\t"                                                                                             \
    "ldr r3, [r0], #4\n\t"                                                                                             \
    "ldrb lr, [r1], #1\n\t" MULTIPLY "add r0, r0, lr, lsl #3\n\t"
#define ANY_START                                                                                                      \
    "add r3, r1, r2, lsl #1\n\t"                                                                                       \
    "ldrb lr, [r1], #1\n\t"                                                                                            \
    "add r0, r0, lr, lsl #3\n\t"
#define ANY_PLACE                                                                                                      \
    "rsb r2, r2, r2, lsl #4\n\t"                                                                                       \
    "adr r3, 2f\n\t"                                                                                                   \
    "add r3, r3, r2, lsl #2\n\t"

/* The frame on the stack: 0 the 16 weights, 16 lanes, 20 scalings, 24 output, 28 stride, 32 outputs left, 36 end of the list, 40 the
 * zero point doubled plus one, 44 where storing begins. */
#define ENTER(values)                                                                                                  \
    "push {r4-r11, lr}\n\t"                                                                                            \
    "ldm r1, {r2-r9}\n\t"                                                                                              \
    "mov r1, r2\n\t"                                                                                                   \
    "lsl r8, r8, #1\n\t"                                                                                               \
    "add r8, r8, #1\n\t"                                                                                               \
    "rsb r10, r7, #8\n\t"                                                                                              \
    "adr r11, 6f\n\t"                                                                                                  \
    "add r10, r11, r10, lsl #2\n\t"                                                                                    \
    "orr r10, r10, #1\n\t"                                                                                             \
    "push {r0, r3-r6, r7, r8, r10}\n\t" values "push {r4-r7}\n"
#define SHARED_VALUES                                                                                                  \
    "ldr r4, [r9]\n\t"                                                                                                 \
    "ldr r5, [r9, #4]\n\t"                                                                                             \
    "ldr r6, [r9, #8]\n\t"                                                                                             \
    "ldr r7, [r9, #12]\n\t"

/* An output's sums. Its entries lie in a loop of eight; the first begins where the last one will end it. */
#define ALL_ENTRIES(start, place, entry)                                                                               \
    "1:\n\t"                                                                                                           \
    "ldr r2, [r1]\n\t"                                                                                                 \
    "ldr r0, [sp, #16]\n\t"                                                                                            \
    "add r1, r1, #3\n\t"                                                                                               \
    "sbfx r4, r2, #10, #14\n\t"                                                                                        \
    "ubfx r2, r2, #0, #10\n\t"                                                                                         \
    "lsl r4, r4, #7\n\t"                                                                                               \
    "mov r5, r4\n\t"                                                                                                   \
    "mov r6, r4\n\t"                                                                                                   \
    "mov r7, r4\n\t"                                                                                                   \
    "mov r8, r4\n\t"                                                                                                   \
    "mov r9, r4\n\t"                                                                                                   \
    "mov r10, r4\n\t"                                                                                                  \
    "mov r11, r4\n\t"                                                                                                  \
    "cbz r2, 5f\n\t" start "add r3, r3, #1\n\t"                                                                        \
    "str r3, [sp, #36]\n\t"                                                                                            \
    "rsb r2, r2, #0\n\t"                                                                                               \
    "and r2, r2, #7\n\t" place "orr r3, r3, #1\n\t"                                                                    \
    "bx r3\n"                                                                                                          \
    "5:\n\t"                                                                                                           \
    "b 4f\n\t"                                                                                                         \
    ".p2align 2\n"                                                                                                     \
    "2:\n\t" entry entry entry entry entry entry entry entry "ldr r2, [sp, #36]\n\t"                                   \
    "cmp r1, r2\n\t"                                                                                                   \
    "bne 2b\n\t"                                                                                                       \
    "sub r1, r1, #1\n"                                                                                                 \
    "4:\n\t"

#define LEAVE(zero_point, scale)                                                                                       \
    "ldr r0, [sp, #20]\n\t"                                                                                            \
    "sub r5, r5, r4\n\t"                                                                                               \
    "sub r7, r7, r6\n\t"                                                                                               \
    "sub r9, r9, r8\n\t"                                                                                               \
    "sub r11, r11, r10\n\t"                                                                                            \
    "ldm r0!, {r2, r3}\n\t" zero_point "and r12, r3, #63\n\t"                                                          \
    "asr r3, r3, #5\n\t"                                                                                               \
    "lsl lr, lr, r12\n\t"                                                                                              \
    "str r0, [sp, #20]\n\t" scale("r4", "lsl #1") scale("r5", "asr #7") scale("r6", "lsl #1") scale("r7", "asr #7")    \
        scale("r8", "lsl #1") scale("r9", "asr #7") scale("r10", "lsl #1") scale("r11", "asr #7") "ldr r3, [sp, #24]\n\t" \
                                   "ldr r2, [sp, #28]\n\t"                                                             \
                                   "add r12, r3, r2\n\t"                                                               \
                                   "add r0, r3, r2, lsl #1\n\t"                                                        \
                                   "add lr, r12, r2, lsl #1\n\t"                                                       \
                                   "ldr pc, [sp, #44]\n\t"                                                             \
                                   ".p2align 2\n"                                                                      \
                                   "6:\n\t" /* the last pixel first: storing begins behind those that are not there */ \
                                   "strb.w r11, [lr, r2, lsl #2]\n\t"                                                  \
                                   "strb.w r10, [r0, r2, lsl #2]\n\t"                                                  \
                                   "strb.w r9, [r12, r2, lsl #2]\n\t"                                                  \
                                   "strb.w r8, [r3, r2, lsl #2]\n\t"                                                   \
                                   "strb.w r7, [lr]\n\t"                                                               \
                                   "strb.w r6, [r0]\n\t"                                                               \
                                   "strb.w r5, [r12]\n\t"                                                              \
                                   "strb.w r4, [r3], #1\n\t"                                                           \
                                   "ldr r0, [sp, #32]\n\t"                                                             \
                                   "str r3, [sp, #24]\n\t"                                                             \
                                   "subs r0, r0, #1\n\t"                                                               \
                                   "str r0, [sp, #32]\n\t"                                                             \
                                   "bne.w 1b\n\t"                                                                      \
                                   "add sp, sp, #48\n\t"                                                               \
                                   "pop {r4-r11, pc}\n\t"

#define RELU LEAVE("mvn lr, #254\n\t", SCALE_RELU)
#define LINEAR LEAVE("ldr lr, [sp, #40]\n\t", SCALE_LINEAR)
#define SHARED ENTER(SHARED_VALUES) ALL_ENTRIES(SHARED_START, SHARED_PLACE, SHARED_ENTRY)
#define ANY ENTER("") ALL_ENTRIES(ANY_START, ANY_PLACE, ANY_ENTRY)

#pragma GCC diagnostic ignored "-Wunused-parameter" /* the assembly reads them from their registers */

__attribute__((naked, noinline)) void ec_gemm_sparse_shared_relu(const uint32_t *lanes, const ec_gemm_sparse *job) {
    __asm__ volatile(SHARED RELU);
}

__attribute__((naked, noinline)) void ec_gemm_sparse_shared_linear(const uint32_t *lanes, const ec_gemm_sparse *job) {
    __asm__ volatile(SHARED LINEAR);
}

__attribute__((naked, noinline)) void ec_gemm_sparse_any_relu(const uint32_t *lanes, const ec_gemm_sparse *job) {
    __asm__ volatile(ANY RELU);
}

__attribute__((naked, noinline)) void ec_gemm_sparse_any_linear(const uint32_t *lanes, const ec_gemm_sparse *job) {
    __asm__ volatile(ANY LINEAR);
}

#else

/* An output's sums; returns the list behind it. */
static inline __attribute__((always_inline)) const uint8_t *sum_up(const uint8_t *list, const uint32_t *lanes, const int8_t *values, int32_t sums[EC_LANE_PIXELS]) {
    const uint8_t *bytes = (const uint8_t *)lanes;
    int32_t entries = list[0] | (list[1] & 3) << 8;
    for (list += 3; entries > 0; --entries, bytes += EC_LANE_PIXELS) {
        const int32_t gap = values ? *list >> 4 : *list, weight = values ? values[*list & 15] : (int8_t)list[1];
        list += values ? 1 : 2;
        bytes += EC_LANE_PIXELS * gap;
        for (int32_t i = 0; i < EC_LANE_PIXELS; ++i) {
            sums[i] += weight * (int8_t)(i % 2 == 0 ? bytes[i] ^ EC_LANES_OFFSET : bytes[i]);
        }
    }
    return list;
}

static inline __attribute__((always_inline)) void multiply(const uint32_t *lanes, const ec_gemm_sparse *job, const int8_t *values, int32_t is_relu) {
    const uint8_t *list = job->lists;
    for (int32_t channel = 0; channel < job->outputs; ++channel) {
        const ec_scaling s = ec_scaling_of(job->scalings, channel);
        int32_t sums[EC_LANE_PIXELS] = {0};
        list = sum_up(list, lanes, values, sums);
        for (int32_t i = 0; i < job->pixels; ++i) {
            const int32_t twice = ec_scaling_bias(s) + 2 * sums[i];
            job->output[i * job->stride + channel] = is_relu ? ec_scale_relu(s, twice) : ec_scale_linear(s, twice, job->zero_point);
        }
    }
}

void ec_gemm_sparse_shared_relu(const uint32_t *lanes, const ec_gemm_sparse *job) {
    multiply(lanes, job, job->values, 1);
}

void ec_gemm_sparse_shared_linear(const uint32_t *lanes, const ec_gemm_sparse *job) {
    multiply(lanes, job, job->values, 0);
}

void ec_gemm_sparse_any_relu(const uint32_t *lanes, const ec_gemm_sparse *job) {
    multiply(lanes, job, 0, 1);
}

void ec_gemm_sparse_any_linear(const uint32_t *lanes, const ec_gemm_sparse *job) {
    multiply(lanes, job, 0, 0);
}

#endif
