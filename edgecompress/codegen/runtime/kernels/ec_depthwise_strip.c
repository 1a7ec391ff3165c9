/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#include "ec_depthwise_strip.h"

#include "ec_dsp.h"

enum { CHANNELS = EC_DEPTHWISE_CHANNELS };

/* Four channels of two neighbours become a pair of each channel. */
static inline uint32_t *take_apart(uint32_t *to, uint32_t first, uint32_t second) {
    const uint32_t even1 = ec_even_bytes(first), even2 = ec_even_bytes(second);
    const uint32_t odd1 = ec_odd_bytes(first), odd2 = ec_odd_bytes(second);
    to[0] = (even1 & 0xFFFFu) | (even2 << 16);
    to[1] = (odd1 & 0xFFFFu) | (odd2 << 16);
    to[2] = (even1 >> 16) | (even2 & 0xFFFF0000u);
    to[3] = (odd1 >> 16) | (odd2 & 0xFFFF0000u);
    return to + CHANNELS;
}

#if EC_HAS_DSP

/* r4 and r5, or r6 and r7, to r0 and behind. */
#define TAKE_APART(first, second, at0, at4, at8, at12)                                                                 \
    "sxtb16 r8, " first "\n\t"                                                                                         \
    "sxtb16 r9, " second "\n\t"                                                                                        \
    "sxtb16 " first ", " first ", ror #8\n\t"                                                                          \
    "sxtb16 " second ", " second ", ror #8\n\t"                                                                        \
    "pkhbt r10, r8, r9, lsl #16\n\t"                                                                                   \
    "pkhtb r9, r9, r8, asr #16\n\t"                                                                                    \
    "pkhbt r8, " first ", " second ", lsl #16\n\t"                                                                     \
    "pkhtb " second ", " second ", " first ", asr #16\n\t"                                                             \
    "str r10, [r0, #" at0 "]\n\t"                                                                                      \
    "str r8, [r0, #" at4 "]\n\t"                                                                                       \
    "str r9, [r0, #" at8 "]\n\t"                                                                                       \
    "str " second ", [r0, #" at12 "]\n\t"

#pragma GCC diagnostic ignored "-Wunused-parameter" /* the assembly reads them from their registers */

/* Two pairs at a time, so that four loads are neighbours; returns where the next pair goes. `twos` is at least 1. */
static __attribute__((naked, noinline)) uint32_t *take_apart_twos(uint32_t *to, const int8_t *from, int32_t step, int32_t twos) {
    __asm__ volatile("push {r4-r10, lr}\n\t"
                     "add r12, r1, r2\n"
                     "1:\n\t"
                     "ldr r4, [r1]\n\t"
                     "ldr r5, [r12]\n\t"
                     "ldr r6, [r1, r2, lsl #1]\n\t"
                     "ldr r7, [r12, r2, lsl #1]\n\t" TAKE_APART("r4", "r5", "0", "4", "8", "12")
                         TAKE_APART("r6", "r7", "16", "20", "24", "28") "add r0, r0, #32\n\t"
                                                                        "add r1, r1, r2, lsl #2\n\t"
                                                                        "add r12, r12, r2, lsl #2\n\t"
                                                                        "subs r3, r3, #1\n\t"
                                                                        "bne 1b\n\t"
                                                                        "pop {r4-r10, pc}\n\t");
}

#else

static uint32_t *take_apart_twos(uint32_t *to, const int8_t *from, int32_t step, int32_t twos) {
    for (int32_t i = 0; i < 2 * twos; ++i, from += 2 * step) {
        to = take_apart(to, ec_load_word(from), ec_load_word(from + step));
    }
    return to;
}

#endif

/* A place of the line, or what stands outside. */
static inline uint32_t place(const ec_depthwise_image *m, const int8_t *from, int32_t x) {
    return x >= 0 && x < m->length ? ec_load_word(from + x * m->step) : (uint32_t)(uint8_t)m->zero_point * UINT32_C(0x01010101);
}

static void load_line(const ec_depthwise_image *m, const int8_t *from, int32_t pairs, uint32_t *to) {
    uint32_t *end = to + pairs * CHANNELS;
    int32_t x = -m->pad_before;
    for (; x < 0 && to < end; x += 2) {
        to = take_apart(to, place(m, from, x), place(m, from, x + 1));
    }
    const int32_t whole = (m->length - x) / 2, left = (int32_t)(end - to) / CHANNELS;
    const int32_t twos = (whole < left ? whole : left) / 2;
    if (twos > 0) {
        to = take_apart_twos(to, from + x * m->step, m->step, twos);
        x += 4 * twos;
    }
    for (; to < end; x += 2) {
        to = take_apart(to, place(m, from, x), place(m, from, x + 1));
    }
}

void ec_depthwise_load(const ec_depthwise_image *image, int32_t first, int32_t count, int32_t pairs, uint32_t *strip) {
    for (int32_t y = first; y < first + count; ++y, strip += pairs * CHANNELS) {
        if (y >= 0 && y < image->lines) {
            load_line(image, image->input + y * image->pitch, pairs, strip);
        } else {
            for (int32_t i = 0; i < pairs * CHANNELS; ++i) {
                strip[i] = ec_pair(image->zero_point, image->zero_point);
            }
        }
    }
}
