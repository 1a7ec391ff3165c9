/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* In assembly, since the loops are short and their overhead is most of the work; its meaning in C is beside it. */
#include "ec_strip_widen.h"

#include "ec_dsp.h"

#if EC_HAS_DSP

/* A word becomes two pairs; r4 is used up. */
#define WIDEN(word, even, odd)                                                                                         \
    "sxtb16 r4, " word "\n\t"                                                                                          \
    "sxtb16 " word ", " word ", ror #8\n\t"                                                                            \
    "str r4, [r0, #" even "]\n\t"                                                                                      \
    "str " word ", [r0, #" odd "]\n\t"

#pragma GCC diagnostic ignored "-Wunused-parameter" /* the assembly reads them from their registers */

/* r0 strip, r1 row, r2 rows left, r3 run, r4 for what comes, r5 place in the row, r6 bytes left of it; r11 where the rest goes, r12 the
 * word of it, lr bits in that. The frame: 0 strip, 4 first row, 8 rows, 12 pitch, 16 lanes, 20 step, 24 where the rest goes. */
__attribute__((naked, noinline)) void ec_strip_widen(uint32_t *strip, const ec_strip_patches *patches) {
    __asm__ volatile("push {r4-r11, lr}\n\t"
                     "ldm r1, {r1-r6}\n\t"
                     "lsr r7, r3, #2\n\t"
                     "mul r7, r7, r2\n\t"
                     "add r11, r0, r7, lsl #5\n\t"
                     "push {r0-r2, r4-r6, r11}\n\t"
                     "mov r12, #0\n\t"
                     "mov lr, #0\n"
                     "1:\n\t" /* a row: sixteen bytes at a time, then eight, then four */
                     "mov r5, r1\n\t"
                     "subs r6, r3, #16\n\t"
                     "blt 9f\n"
                     "2:\n\t"
                     "ldr r7, [r5], #4\n\t"
                     "ldr r8, [r5], #4\n\t"
                     "ldr r9, [r5], #4\n\t"
                     "ldr r10, [r5], #4\n\t" WIDEN("r7", "0", "16") WIDEN("r8", "32", "48") WIDEN("r9", "64", "80")
                         WIDEN("r10", "96", "112") "add r0, r0, #128\n\t"
                                                   "subs r6, r6, #16\n\t"
                                                   "bge 2b\n"
                                                   "9:\n\t"
                                                   "adds r6, r6, #8\n\t"
                                                   "blt 3f\n\t"
                                                   "ldr r7, [r5], #4\n\t"
                                                   "ldr r8, [r5], #4\n\t" WIDEN("r7", "0", "16") WIDEN("r8", "32", "48")
                                                       "add r0, r0, #64\n\t"
                                                       "sub r6, r6, #8\n"
                                                       "3:\n\t"
                                                       "adds r6, r6, #4\n\t"
                                                       "blt 4f\n\t"
                                                       "ldr r7, [r5], #4\n\t" WIDEN("r7", "0", "16") "add r0, r0, #32\n"
                     "4:\n\t" /* its rest, one to three bytes, goes behind what is in the word of the rest */
                     "ands r6, r3, #3\n\t"
                     "beq 6f\n\t"
                     "cmp r6, #2\n\t"
                     "lsl r6, r6, #3\n\t"
                     "ite lt\n\t"
                     "ldrblt r7, [r5]\n\t"
                     "ldrhge r7, [r5]\n\t"
                     "ble 5f\n\t"
                     "ldrb r8, [r5, #2]\n\t"
                     "orr r7, r7, r8, lsl #16\n"
                     "5:\n\t"
                     "lsl r8, r7, lr\n\t"
                     "orr r12, r12, r8\n\t"
                     "add lr, lr, r6\n\t"
                     "cmp lr, #32\n\t"
                     "blt 6f\n\t"
                     "sxtb16 r9, r12\n\t"
                     "sxtb16 r10, r12, ror #8\n\t"
                     "str r9, [r11]\n\t"
                     "str r10, [r11, #16]\n\t"
                     "add r11, r11, #32\n\t"
                     "sub lr, lr, #32\n\t"
                     "sub r8, r6, lr\n\t"
                     "lsr r12, r7, r8\n"
                     "6:\n\t"
                     "ldr r4, [sp, #12]\n\t"
                     "subs r2, r2, #1\n\t"
                     "add r1, r1, r4\n\t"
                     "bne 1b\n\t"
                     "cmp lr, #0\n\t"
                     "beq 8f\n\t" /* a word that is not full: zeros above */
                     "sxtb16 r9, r12\n\t"
                     "sxtb16 r10, r12, ror #8\n\t"
                     "str r9, [r11]\n\t"
                     "str r10, [r11, #16]\n"
                     "8:\n\t" /* the next lane */
                     "ldr r0, [sp]\n\t"
                     "ldr r1, [sp, #4]\n\t"
                     "ldr r2, [sp, #8]\n\t"
                     "ldr r6, [sp, #16]\n\t"
                     "ldr r7, [sp, #20]\n\t"
                     "ldr r11, [sp, #24]\n\t"
                     "add r0, r0, #4\n\t"
                     "add r1, r1, r7\n\t"
                     "add r11, r11, #4\n\t"
                     "mov r12, #0\n\t"
                     "mov lr, #0\n\t"
                     "str r0, [sp]\n\t"
                     "str r1, [sp, #4]\n\t"
                     "str r11, [sp, #24]\n\t"
                     "subs r6, r6, #1\n\t"
                     "str r6, [sp, #16]\n\t"
                     "bne 1b\n\t"
                     "add sp, sp, #28\n\t"
                     "pop {r4-r11, pc}\n\t");
}

#else

enum { LANES = 4 };

static uint32_t *widen(uint32_t *lane, uint32_t word) {
    lane[0] = ec_even_bytes(word);
    lane[LANES] = ec_odd_bytes(word);
    return lane + 2 * LANES;
}

static void one_lane(uint32_t *lane, const int8_t *from, const ec_strip_patches *p) {
    uint32_t *rest_lane = lane + p->run / 4 * p->rows * 2 * LANES;
    uint32_t rest = 0;
    int32_t bits = 0;
    for (int32_t row = 0; row < p->rows; ++row, from += p->pitch) {
        int32_t i = 0;
        for (; i + 4 <= p->run; i += 4) {
            lane = widen(lane, ec_load_word(from + i));
        }
        for (; i < p->run; ++i, bits += 8) {
            if (bits == 32) {
                rest_lane = widen(rest_lane, rest);
                rest = 0;
                bits = 0;
            }
            rest |= (uint32_t)(uint8_t)from[i] << bits;
        }
    }
    if (bits != 0) {
        widen(rest_lane, rest);
    }
}

void ec_strip_widen(uint32_t *strip, const ec_strip_patches *patches) {
    for (int32_t lane = 0; lane < patches->lanes; ++lane) {
        one_lane(strip + lane, patches->from + lane * patches->step, patches);
    }
}

#endif
