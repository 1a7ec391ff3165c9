/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* In assembly, for SEL takes bytes from one of two words by flags that C does not have; its meaning in C is beside it. */
#include "ec_lanes_weave.h"

#include "ec_dsp.h"

#if EC_HAS_DSP

#pragma GCC diagnostic ignored "-Wunused-parameter" /* the assembly reads them from their registers */

/* r3-r6 the lanes' bytes; the flags take bytes 0 and 2 of SEL's first word, 1 and 3 of its second. */
__attribute__((naked, noinline)) void ec_lanes_weave(uint32_t *to, const int8_t *const from[4], int32_t count) {
    __asm__ volatile("push {r4-r11, lr}\n\t"
                     "ldm r1, {r3-r6}\n\t"
                     "mov r12, #0x00FF00FF\n\t"
                     "uadd8 r12, r12, r12\n\t"
                     "mov r1, #0x80808080\n\t"
                     "subs r2, r2, #4\n\t"
                     "blt 2f\n"
                     "1:\n\t"
                     "ldr r7, [r3], #4\n\t"
                     "ldr r8, [r4], #4\n\t"
                     "ldr r9, [r5], #4\n\t"
                     "ldr r10, [r6], #4\n\t"
                     "eor r7, r7, r1\n\t"
                     "eor r9, r9, r1\n\t"
                     "lsl r11, r8, #8\n\t"
                     "sel r11, r7, r11\n\t"
                     "lsl r12, r10, #8\n\t"
                     "sel r12, r9, r12\n\t"
                     "lsr r7, r7, #8\n\t"
                     "sel r7, r7, r8\n\t"
                     "lsr r9, r9, #8\n\t"
                     "sel r9, r9, r10\n\t"
                     "pkhbt r8, r11, r12, lsl #16\n\t"
                     "pkhbt r10, r7, r9, lsl #16\n\t"
                     "pkhtb r12, r12, r11, asr #16\n\t"
                     "pkhtb r9, r9, r7, asr #16\n\t"
                     "str r8, [r0]\n\t"
                     "str r10, [r0, #8]\n\t"
                     "str r12, [r0, #16]\n\t"
                     "str r9, [r0, #24]\n\t"
                     "add r0, r0, #32\n\t"
                     "subs r2, r2, #4\n\t"
                     "bge 1b\n"
                     "2:\n\t"
                     "adds r2, r2, #4\n\t"
                     "beq 4f\n"
                     "3:\n\t"
                     "ldrb r7, [r3], #1\n\t"
                     "ldrb r8, [r4], #1\n\t"
                     "ldrb r9, [r5], #1\n\t"
                     "ldrb r10, [r6], #1\n\t"
                     "orr r7, r7, r8, lsl #8\n\t"
                     "orr r9, r9, r10, lsl #8\n\t"
                     "orr r7, r7, r9, lsl #16\n\t"
                     "eor r7, r7, #0x00800080\n\t"
                     "str r7, [r0], #8\n\t"
                     "subs r2, r2, #1\n\t"
                     "bne 3b\n"
                     "4:\n\t"
                     "pop {r4-r11, pc}\n\t");
}

#else

void ec_lanes_weave(uint32_t *to, const int8_t *const from[4], int32_t count) {
    for (int32_t i = 0; i < count; ++i) {
        uint32_t word = 0;
        for (int32_t lane = 0; lane < 4; ++lane) {
            word |= (uint32_t)(uint8_t)from[lane][i] << (8 * lane);
        }
        to[2 * i] = word ^ UINT32_C(0x00800080);
    }
}

#endif
