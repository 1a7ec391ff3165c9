/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* In assembly of ARMv6-M, whose eight low registers are filled so exactly that compilers spill; its meaning in C is
 * beside it. All inputs of a channel are read before its four outputs are written. */
#include "ec_block_4x1.h"

#if defined(__arm__) && defined(__thumb__) && !defined(__ARM_FEATURE_DSP)

#include <stddef.h>

_Static_assert(offsetof(ec_block, channel) == 20 && offsetof(ec_block, outputs) == 40 && offsetof(ec_block, sums) == 68,
               "the assembly counts in these");

/* The block stays at [sp]. */
#define ENTER                                                                                                          \
    ".syntax unified\n\t"                                                                                              \
    "push {r4-r7, lr}\n\t"                                                                                             \
    "mov r1, r8\n\t"                                                                                                   \
    "mov r2, r9\n\t"                                                                                                   \
    "mov r3, r10\n\t"                                                                                                  \
    "mov r4, r11\n\t"                                                                                                  \
    "push {r0-r4}\n"
#define LEAVE                                                                                                          \
    "pop {r0-r4}\n\t"                                                                                                  \
    "mov r8, r1\n\t"                                                                                                   \
    "mov r9, r2\n\t"                                                                                                   \
    "mov r10, r3\n\t"                                                                                                  \
    "mov r11, r4\n\t"                                                                                                  \
    "pop {r4-r7, pc}\n\t"

/* x of one sum, to which its start was added: clamped to 0..limit (r3) */
#define CLAMPED(sum)                                                                                                   \
    "mov r1, " sum "\n\t"                                                                                              \
    "cmp r1, r3\n\t"                                                                                                   \
    "bls 1f\n\t"                                                                                                       \
    "mvns r1, r1\n\t"                                                                                                  \
    "asrs r1, r1, #31\n\t"                                                                                             \
    "ands r1, r1, r3\n"                                                                                                \
    "1:\n\t"
/* r4 and r5 are the slope's high and low part */
#define TIMES_SLOPE                                                                                                    \
    "movs r2, r1\n\t"                                                                                                  \
    "muls r2, r5, r2\n\t"                                                                                              \
    "lsrs r2, r2, #12\n\t"                                                                                             \
    "muls r1, r4, r1\n\t"                                                                                              \
    "adds r1, r1, r2\n\t"
#define STORE(output)                                                                                                  \
    "ldr r2, [r0, #" output "]\n\t"                                                                                    \
    "strb r1, [r2, r7]\n\t"
/* r6 shift, r12 height */
#define STRAIGHT(sum, output)                                                                                          \
    CLAMPED(sum)                                                                                                       \
    TIMES_SLOPE                                                                                                        \
    "add r1, r12\n\t"                                                                                                  \
    "lsrs r1, r6\n\t" STORE(output)
/* lr bend, r12 height from there on */
#define BENT(sum, output)                                                                                              \
    CLAMPED(sum)                                                                                                       \
    "mov r6, r12\n\t"                                                                                                  \
    "cmp r1, lr\n\t"                                                                                                   \
    "bhs 1f\n\t"                                                                                                       \
    "ldr r6, [r0, #36]\n"                                                                                              \
    "1:\n\t" TIMES_SLOPE                                                                                               \
    "adds r1, r1, r6\n\t"                                                                                              \
    "ldr r2, [r0, #28]\n\t"                                                                                            \
    "lsrs r1, r2\n\t" STORE(output)

/* The four sums in r8, r11, r9, r10 become outputs; then r0 is the block and r7 the next channel. */
#define REQUANTIZE                                                                                                     \
    "ldr r0, [sp]\n\t"                                                                                                 \
    "ldr r1, [r0, #60]\n\t"                                                                                            \
    "ldr r2, [r0, #64]\n\t"                                                                                            \
    "adds r2, r2, r1\n\t"                                                                                              \
    "str r2, [r0, #60]\n\t"                                                                                            \
    "ldm r1!, {r3-r5}\n\t"                                                                                             \
    "mov r12, r5\n\t"                                                                                                  \
    "lsls r5, r4, #20\n\t"                                                                                             \
    "lsrs r5, r5, #20\n\t"                                                                                             \
    "lsrs r4, r4, #12\n\t"                                                                                             \
    "ldr r7, [r0, #20]\n\t"                                                                                            \
    "ldr r6, [r0, #28]\n\t"                                                                                            \
    "ldr r2, [r0, #32]\n\t"                                                                                            \
    "cmp r2, #0\n\t"                                                                                                   \
    "bne 7f\n\t" STRAIGHT("r8", "40") STRAIGHT("r11", "44") STRAIGHT("r9", "48") STRAIGHT("r10", "52")                \
    "b 8f\n"                                                                                                           \
    "7:\n\t"                                                                                                           \
    "cmp r2, #1\n\t"                                                                                                   \
    "bne 9f\n\t"                                                                                                       \
    "ldm r1!, {r2, r6}\n\t"                                                                                            \
    "mov lr, r2\n\t"                                                                                                   \
    "str r6, [r0, #36]\n\t" BENT("r8", "40") BENT("r11", "44") BENT("r9", "48") BENT("r10", "52")                      \
    "b 8f\n"                                                                                                           \
    "9:\n\t"                                                                                                           \
    "adds r0, r0, #68\n\t"                                                                                             \
    "mov r1, r8\n\t"                                                                                                   \
    "mov r2, r11\n\t"                                                                                                  \
    "mov r3, r9\n\t"                                                                                                   \
    "mov r4, r10\n\t"                                                                                                  \
    "stm r0!, {r1-r4}\n\t"                                                                                             \
    "ldr r0, [sp]\n"                                                                                                   \
    "8:\n\t"                                                                                                           \
    "adds r7, r7, #1\n\t"                                                                                              \
    "str r7, [r0, #20]\n\t"

/* r5 + r6 is the weight's address, r6 the strip's: both go on by eight */
#define FIRST_INPUT                                                                                                    \
    "ldrsb r4, [r5, r6]\n\t"                                                                                           \
    "ldm r6!, {r0, r1}\n\t"                                                                                            \
    "muls r0, r4, r0\n\t"                                                                                              \
    "muls r1, r4, r1\n\t"
#define INPUT                                                                                                          \
    "ldrsb r4, [r5, r6]\n\t"                                                                                           \
    "ldm r6!, {r2, r3}\n\t"                                                                                            \
    "muls r2, r4, r2\n\t"                                                                                              \
    "muls r3, r4, r3\n\t"                                                                                              \
    "adds r0, r0, r2\n\t"                                                                                              \
    "adds r1, r1, r3\n\t"
/* The low halves are signed: where one is negative it has borrowed from the high half; shifted out, its sign is the carry. */
#define TAKE_APART                                                                                                     \
    "sxth r2, r0\n\t"                                                                                                  \
    "add r8, r2\n\t"                                                                                                   \
    "asrs r0, r0, #16\n\t"                                                                                             \
    "adcs r7, r0\n\t"                                                                                                  \
    "sxth r3, r1\n\t"                                                                                                  \
    "add r9, r3\n\t"                                                                                                   \
    "subs r1, r1, r3\n\t"                                                                                              \
    "asrs r1, r1, #16\n\t"                                                                                             \
    "add r10, r1\n\t"

#pragma GCC diagnostic ignored "-Wunused-parameter" /* the assembly reads them from their registers */

/* r1-r4 the ends of what is read, r5 the way left to them, negative */
__attribute__((naked, noinline)) uint32_t *ec_block_pack(uint32_t *strip, const int8_t *const from[EC_BLOCK_PIXELS],
                                                         int32_t count) {
    __asm__ volatile(".syntax unified\n\t"
                     "push {r4-r7, lr}\n\t"
                     "movs r5, r2\n\t"
                     "ldm r1!, {r3, r4, r6, r7}\n\t"
                     "adds r1, r3, r5\n\t"
                     "adds r2, r4, r5\n\t"
                     "adds r3, r6, r5\n\t"
                     "adds r4, r7, r5\n\t"
                     "rsbs r5, r5, #0\n"
                     "1:\n\t"
                     "ldrsb r6, [r1, r5]\n\t"
                     "ldrsb r7, [r2, r5]\n\t"
                     "lsls r7, r7, #16\n\t"
                     "adds r6, r6, r7\n\t"
                     "str r6, [r0]\n\t"
                     "ldrsb r6, [r3, r5]\n\t"
                     "ldrsb r7, [r4, r5]\n\t"
                     "lsls r7, r7, #16\n\t"
                     "adds r6, r6, r7\n\t"
                     "str r6, [r0, #4]\n\t"
                     "adds r0, r0, #8\n\t"
                     "adds r5, r5, #1\n\t"
                     "bne 1b\n\t"
                     "pop {r4-r7, pc}\n\t");
}

__attribute__((naked, noinline)) void ec_block_gemm(ec_block *b) {
    __asm__ volatile(ENTER "2:\n\t"
                           "ldr r1, [r0]\n\t"
                           "ldm r1!, {r7}\n\t"
                           "str r1, [r0]\n\t"
                           "mov r8, r7\n\t"
                           "mov r9, r7\n\t"
                           "mov r10, r7\n\t"
                           "ldr r6, [r0, #4]\n\t"
                           "ldr r1, [r0, #8]\n\t"
                           "mov lr, r1\n\t"
                           "ldr r5, [r0, #12]\n\t"
                           "subs r5, r5, r6\n"
                           "3:\n\t"
                           "ldr r0, [sp]\n\t"
                           "ldr r1, [r0, #16]\n\t"
                           "ldrb r2, [r1]\n\t"
                           "adds r1, r1, #1\n\t"
                           "str r1, [r0, #16]\n\t"
                           "lsls r1, r2, #5\n\t"
                           "beq 5f\n\t"
                           "adds r1, r1, r6\n\t"
                           "mov r12, r1\n\t"
                           "lsrs r2, r2, #1\n\t"
                           "bcs 9f\n"
                           "4:\n\t" FIRST_INPUT INPUT INPUT INPUT TAKE_APART "9:\n\t" FIRST_INPUT INPUT INPUT INPUT TAKE_APART
                           "cmp r6, r12\n\t"
                           "bne 4b\n"
                           "5:\n\t"
                           "cmp r6, lr\n\t"
                           "beq 6f\n\t" FIRST_INPUT INPUT TAKE_APART FIRST_INPUT INPUT TAKE_APART
                           "cmp r6, lr\n\t"
                           "bne 3b\n"
                           "6:\n\t"
                           "mov r11, r7\n\t" REQUANTIZE
                           "ldr r1, [r0, #12]\n\t"
                           "adds r1, r1, #1\n\t"
                           "lsls r2, r7, #29\n\t"
                           "bne 1f\n\t"
                           "ldr r2, [r0, #56]\n\t"
                           "adds r1, r1, r2\n"
                           "1:\n\t"
                           "str r1, [r0, #12]\n\t"
                           "ldr r2, [r0, #24]\n\t"
                           "cmp r7, r2\n\t"
                           "beq 1f\n\t"
                           "b 2b\n"
                           "1:\n\t" LEAVE);
}

/* r5 four weights, r12 the next ones */
#define PAIR_OF_INPUTS                                                                                                 \
    "sxtb r4, r5\n\t"                                                                                                  \
    "ldm r6!, {r0, r1}\n\t"                                                                                            \
    "muls r0, r4, r0\n\t"                                                                                              \
    "muls r1, r4, r1\n\t"                                                                                              \
    "lsrs r5, r5, #8\n\t"                                                                                              \
    "sxtb r4, r5\n\t"                                                                                                  \
    "lsrs r5, r5, #8\n\t"                                                                                              \
    "ldm r6!, {r2, r3}\n\t"                                                                                            \
    "muls r2, r4, r2\n\t"                                                                                              \
    "muls r3, r4, r3\n\t"                                                                                              \
    "adds r0, r0, r2\n\t"                                                                                              \
    "adds r1, r1, r3\n\t"

__attribute__((naked, noinline)) void ec_block_rows(ec_block *b) {
    __asm__ volatile(ENTER "2:\n\t"
                           "ldr r1, [r0]\n\t"
                           "ldm r1!, {r7}\n\t"
                           "str r1, [r0]\n\t"
                           "mov r8, r7\n\t"
                           "mov r9, r7\n\t"
                           "mov r10, r7\n\t"
                           "ldr r6, [r0, #4]\n\t"
                           "ldr r1, [r0, #8]\n\t"
                           "mov lr, r1\n\t"
                           "ldr r1, [r0, #12]\n\t"
                           "mov r12, r1\n"
                           "3:\n\t"
                           "mov r0, r12\n\t"
                           "ldm r0!, {r5}\n\t"
                           "mov r12, r0\n\t" PAIR_OF_INPUTS TAKE_APART PAIR_OF_INPUTS TAKE_APART
                           "cmp r6, lr\n\t"
                           "bne 3b\n\t"
                           "mov r11, r7\n\t"
                           "ldr r0, [sp]\n\t"
                           "mov r1, r12\n\t"
                           "str r1, [r0, #12]\n\t" REQUANTIZE
                           "ldr r2, [r0, #24]\n\t"
                           "cmp r7, r2\n\t"
                           "beq 1f\n\t"
                           "b 2b\n"
                           "1:\n\t" LEAVE);
}

/* r4 weight, r7 channel */
#define PIXEL(input, sum)                                                                                              \
    "ldrsb " input ", [" input ", r7]\n\t"                                                                             \
    "muls " input ", r4, " input "\n\t"                                                                                \
    "add " sum ", " input "\n\t"

__attribute__((naked, noinline)) void ec_block_depthwise(ec_block *b) {
    __asm__ volatile(ENTER "2:\n\t"
                           "ldr r2, [r0]\n\t"
                           "ldm r2!, {r1}\n\t"
                           "str r2, [r0]\n\t"
                           "mov r8, r1\n\t"
                           "mov r11, r1\n\t"
                           "mov r9, r1\n\t"
                           "mov r10, r1\n\t"
                           "ldr r6, [r0, #4]\n\t"
                           "ldr r1, [r0, #8]\n\t"
                           "mov lr, r1\n\t"
                           "ldr r5, [r0, #12]\n\t"
                           "ldr r1, [r0, #56]\n\t"
                           "mov r12, r1\n\t"
                           "ldr r7, [r0, #20]\n"
                           "3:\n\t"
                           "ldrsb r4, [r5, r7]\n\t"
                           "add r5, r12\n\t"
                           "ldm r6!, {r0-r3}\n\t" PIXEL("r0", "r8") PIXEL("r1", "r11") PIXEL("r2", "r9")
                               PIXEL("r3", "r10")
                           "cmp r6, lr\n\t"
                           "bne 3b\n\t" REQUANTIZE
                           "ldr r2, [r0, #24]\n\t"
                           "cmp r7, r2\n\t"
                           "beq 1f\n\t"
                           "b 2b\n"
                           "1:\n\t" LEAVE);
}

#else

uint32_t *ec_block_pack(uint32_t *strip, const int8_t *const from[EC_BLOCK_PIXELS], int32_t count) {
    for (int32_t i = 0; i < count; ++i) {
        *strip++ = (uint32_t)(int32_t)from[0][i] + ((uint32_t)(int32_t)from[1][i] << 16);
        *strip++ = (uint32_t)(int32_t)from[2][i] + ((uint32_t)(int32_t)from[3][i] << 16);
    }
    return strip;
}

/* Four sums become outputs, and the block goes on to the next channel. */
static void requantize(ec_block *b, const uint32_t sums[EC_BLOCK_PIXELS]) {
    for (int32_t pixel = 0; pixel < EC_BLOCK_PIXELS; ++pixel) {
        const uint32_t sum = sums[pixel] + (uint32_t)*b->start;
        if (b->kind == EC_EXACT) {
            b->sums[pixel] = sum;
        } else {
            b->outputs[pixel][b->channel] = ec_ramp_requantize(b->ramp, b->kind, b->shift, sum);
        }
    }
    ++b->start;
    b->ramp += b->ramp_step / (int32_t)sizeof *b->ramp;
    ++b->channel;
}

/* Adds the group's products, two 16-bit numbers in a word, and their sums to the four; the weights are `step` apart. */
static const uint32_t *add_group(const uint32_t *strip, const int8_t *weights, int32_t step, int32_t inputs,
                                 uint32_t sums[EC_BLOCK_PIXELS]) {
    uint32_t both[2] = {0, 0};
    for (int32_t i = 0; i < inputs; ++i, strip += 2, weights += step) {
        both[0] += strip[0] * (uint32_t)(int32_t)*weights;
        both[1] += strip[1] * (uint32_t)(int32_t)*weights;
    }
    for (int32_t pair = 0; pair < 2; ++pair) {
        const uint32_t low = (uint32_t)(int32_t)(int16_t)both[pair];
        sums[2 * pair] += low;
        sums[2 * pair + 1] += (uint32_t)((int32_t)(both[pair] - low) >> 16);
    }
    return strip;
}

void ec_block_gemm(ec_block *b) {
    const uint32_t *end = (const uint32_t *)b->end;
    while (b->channel < b->channels) {
        const int8_t *weights = b->weights;
        const uint32_t *strip = (const uint32_t *)b->first;
        uint32_t sums[EC_BLOCK_PIXELS] = {0, 0, 0, 0};
        for (;;) {
            for (int32_t groups = *b->runs++; groups > 0; --groups, weights += 4 * EC_BLOCK_LANES) {
                strip = add_group(strip, weights, EC_BLOCK_LANES, 4, sums);
            }
            if (strip == end) {
                break;
            }
            strip = add_group(strip, weights, EC_BLOCK_LANES, 2, sums);
            strip = add_group(strip, weights + 2 * EC_BLOCK_LANES, EC_BLOCK_LANES, 2, sums);
            weights += 4 * EC_BLOCK_LANES;
            if (strip == end) {
                break;
            }
        }
        requantize(b, sums);
        b->weights += 1 + (b->channel % EC_BLOCK_LANES == 0 ? b->weights_step : 0);
    }
}

void ec_block_rows(ec_block *b) {
    while (b->channel < b->channels) {
        uint32_t sums[EC_BLOCK_PIXELS] = {0, 0, 0, 0};
        for (const uint32_t *strip = (const uint32_t *)b->first; (const void *)strip != b->end; b->weights += 2) {
            strip = add_group(strip, b->weights, 1, 2, sums);
        }
        requantize(b, sums);
    }
}

void ec_block_depthwise(ec_block *b) {
    while (b->channel < b->channels) {
        const int8_t *weights = b->weights + b->channel;
        uint32_t sums[EC_BLOCK_PIXELS] = {0, 0, 0, 0};
        for (const int8_t *const *tap = (const int8_t *const *)b->first; (const void *)tap != b->end; weights += b->weights_step) {
            for (int32_t pixel = 0; pixel < EC_BLOCK_PIXELS; ++pixel) {
                sums[pixel] += (uint32_t)((*tap++)[b->channel] * *weights);
            }
        }
        requantize(b, sums);
    }
}

#endif
