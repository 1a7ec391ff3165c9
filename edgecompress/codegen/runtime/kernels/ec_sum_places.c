/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* In assembly of ARMv6-M, where compilers spill what eight low registers do not hold; its meaning in C, which suits the others, is
 * beside it. */
#include "ec_sum_places.h"

#if defined(__arm__) && defined(__thumb__) && !defined(__ARM_FEATURE_DSP)

#pragma GCC diagnostic ignored "-Wunused-parameter" /* the assembly reads them from their registers */

/* Two pixels' sums in a word are taken apart, and multiplied by the value r2. */
#define MULTIPLY(pair, first, second)                                                                                  \
    "sxth r5, " pair "\n\t"                                                                                            \
    "subs " pair ", " pair ", r5\n\t"                                                                                  \
    "asrs " pair ", " pair ", #16\n\t"                                                                                 \
    "muls r5, r2, r5\n\t"                                                                                              \
    "muls " pair ", r2, " pair "\n\t"                                                                                  \
    "add " first ", r5\n\t"                                                                                            \
    "add " second ", " pair "\n\t"

/* r0 places, r1 page, r3 and r4 the sums of inputs; r8-r11 those of products, r12 value, lr values left. The stack: the pointer to
 * the sums, r8-r11, r4-r7, lr. */
__attribute__((naked, noinline)) const uint8_t *ec_sum_places(const uint8_t *places, const uint32_t *page, uint32_t sums[4]) {
    __asm__ volatile(".syntax unified\n\t"
                     "push {r4-r7, lr}\n\t"
                     "mov r3, r8\n\t"
                     "mov r4, r9\n\t"
                     "mov r5, r10\n\t"
                     "mov r6, r11\n\t"
                     "push {r2-r6}\n\t"
                     "ldm r2!, {r3-r6}\n\t"
                     "mov r8, r3\n\t"
                     "mov r9, r4\n\t"
                     "mov r10, r5\n\t"
                     "mov r11, r6\n\t"
                     "ldrb r7, [r0]\n\t"
                     "adds r0, r0, #1\n\t"
                     "cmp r7, #0\n\t"
                     "beq 3f\n"
                     "1:\n\t"
                     "mov lr, r7\n\t"
                     "movs r3, #0\n\t"
                     "movs r4, #0\n\t"
                     "ldrsb r5, [r0, r3]\n\t"
                     "mov r12, r5\n\t"
                     "ldrb r2, [r0, #1]\n\t"
                     "adds r0, r0, #2\n"
                     "2:\n\t"
                     "ldrb r5, [r0]\n\t"
                     "adds r0, r0, #1\n\t"
                     "lsls r5, r5, #3\n\t"
                     "adds r5, r5, r1\n\t"
                     "ldm r5!, {r6, r7}\n\t"
                     "adds r3, r3, r6\n\t"
                     "adds r4, r4, r7\n\t"
                     "subs r2, r2, #1\n\t"
                     "bne 2b\n\t"
                     "mov r2, r12\n\t" MULTIPLY("r3", "r8", "r9") MULTIPLY("r4", "r10", "r11") "mov r7, lr\n\t"
                     "subs r7, r7, #1\n\t"
                     "bne 1b\n"
                     "3:\n\t"
                     "pop {r2}\n\t"
                     "mov r3, r8\n\t"
                     "mov r4, r9\n\t"
                     "mov r5, r10\n\t"
                     "mov r6, r11\n\t"
                     "stm r2!, {r3-r6}\n\t"
                     "pop {r3-r6}\n\t"
                     "mov r8, r3\n\t"
                     "mov r9, r4\n\t"
                     "mov r10, r5\n\t"
                     "mov r11, r6\n\t"
                     "pop {r4-r7, pc}\n\t");
}

#else

#if defined(__clang__)
#define ROLLED _Pragma("clang loop unroll(disable)")
#else
#define ROLLED
#endif

static inline int32_t low_of(uint32_t pair) {
    return (int16_t)pair;
}

static inline int32_t high_of(uint32_t pair) {
    return (int32_t)(pair - (uint32_t)low_of(pair)) >> 16;
}

const uint8_t *ec_sum_places(const uint8_t *places, const uint32_t *page, uint32_t sums[4]) {
    for (int32_t values = *places++; values > 0; --values) {
        const uint32_t value = (uint32_t)(int32_t)(int8_t)places[0];
        const uint8_t *const end = places + 2 + places[1];
        uint32_t first = 0, second = 0;
        places += 2;
        ROLLED for (; end - places >= 2; places += 2) {
            const uint32_t *a = page + 2 * places[0], *b = page + 2 * places[1];
            first += a[0] + b[0];
            second += a[1] + b[1];
        }
        if (places != end) {
            const uint32_t *a = page + 2 * *places++;
            first += a[0];
            second += a[1];
        }
        sums[0] += value * (uint32_t)low_of(first);
        sums[1] += value * (uint32_t)high_of(first);
        sums[2] += value * (uint32_t)low_of(second);
        sums[3] += value * (uint32_t)high_of(second);
    }
    return places;
}

#endif
