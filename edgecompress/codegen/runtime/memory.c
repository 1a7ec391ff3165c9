/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* memcpy, memmove, memset and memcmp for programs without a C library: the same code whatever the compiler brings.
 *
 * Word by word where both sides are aligned, which is all that ARMv6-M can do. The empty assembly in each loop keeps
 * the compiler from recognising it and calling the very function that is being defined. */
#include <stddef.h>
#include <stdint.h>

#define KEEP_LOOP() __asm__ volatile("" ::: "memory")

typedef uint32_t __attribute__((may_alias)) word;

void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int value, size_t bytes);
int memcmp(const void *left, const void *right, size_t bytes);

/* Upwards, so that it also moves to a lower address that overlaps. */
static void copy_up(uint8_t *out, const uint8_t *in, size_t bytes)
{
    if ((((uintptr_t)out | (uintptr_t)in) & 3u) == 0) {
        for (; bytes >= 16; bytes -= 16, out += 16, in += 16) {
            const word *source = (const word *)(const void *)in;
            word *target = (word *)(void *)out;
            const word a = source[0], b = source[1], c = source[2], d = source[3];
            target[0] = a, target[1] = b, target[2] = c, target[3] = d;
            KEEP_LOOP();
        }
        for (; bytes >= 4; bytes -= 4, out += 4, in += 4) {
            *(word *)(void *)out = *(const word *)(const void *)in;
            KEEP_LOOP();
        }
    }
    for (; bytes > 0; --bytes) {
        *out++ = *in++;
        KEEP_LOOP();
    }
}

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
    copy_up(to, from, bytes);
    return to;
}

void *memmove(void *to, const void *from, size_t bytes)
{
    uint8_t *out = to;
    const uint8_t *in = from;
    if ((uintptr_t)out - (uintptr_t)in >= bytes) {
        copy_up(out, in, bytes);
        return to;
    }
    while (bytes > 0) {
        --bytes;
        out[bytes] = in[bytes];
        KEEP_LOOP();
    }
    return to;
}

void *memset(void *to, int value, size_t bytes)
{
    uint8_t *out = to;
    const uint32_t pattern = (uint8_t)value * 0x01010101u;
    for (; bytes > 0 && ((uintptr_t)out & 3u) != 0; --bytes) {
        *out++ = (uint8_t)value;
        KEEP_LOOP();
    }
    for (; bytes >= 4; bytes -= 4, out += 4) {
        *(word *)(void *)out = pattern;
        KEEP_LOOP();
    }
    for (; bytes > 0; --bytes) {
        *out++ = (uint8_t)value;
        KEEP_LOOP();
    }
    return to;
}

int memcmp(const void *left, const void *right, size_t bytes)
{
    const uint8_t *a = left, *b = right;
    for (; bytes > 0; --bytes, ++a, ++b)
        if (*a != *b)
            return *a < *b ? -1 : 1;
    return 0;
}
