/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#include "ec_low_bits.h"

#include "ec_dsp.h"

enum { NEVER = INT32_MAX };
#define BYTES(value) (0x01010101u * (uint32_t)(value))

static void find_patch(ec_low_bits *finish) {
    const uint8_t *end = finish->params->patches + finish->params->patch_bytes;
    for (; finish->patch < end; ++finish->patch) {
        finish->untouched += *finish->patch;
        if (*finish->patch < 255) {
            break;
        }
    }
    if (end - finish->patch < 2) { /* a number and a weight */
        finish->untouched = NEVER;
    }
}

void ec_low_bits_begin(ec_low_bits *finish, const ec_low_bits_params *params) {
    finish->params = params;
    finish->low_bits = params->low_bits;
    finish->patch = params->patches;
    finish->row = 0;
    finish->untouched = 0;
    find_patch(finish);
}

static inline uint32_t rotate_right(uint32_t word, uint32_t bits) {
    return word >> (bits & 31u) | word << (-bits & 31u);
}

/* a - b in each byte, modulo 256 */
static inline uint32_t subtract_bytes(uint32_t a, uint32_t b) {
#if EC_HAS_DSP
    uint32_t result;
    __asm__("usub8 %0, %1, %2" : "=r"(result) : "r"(a), "r"(b) : "cc");
    return result;
#else
    return ((a | BYTES(0x80)) - (b & BYTES(0x7F))) ^ ((a ^ ~b) & BYTES(0x80));
#endif
}

/* The words of four weights each: high bits are rotated to their place in the byte, low ones to where they are missing; then half
 * of the range is taken off. All but the data are constants. */
#define WORD(i)                                                                                                        \
    do {                                                                                                               \
        if ((i) % together == 0) {                                                                                     \
            high = rotate_right(*symbols++, -shift);                                                                   \
        }                                                                                                              \
        uint32_t weights = rotate_right(high, (i) % together * bits) & BYTES((0xFFu >> (8 - bits) << shift) & 0xFFu);  \
        if (others) {                                                                                                  \
            if ((i) * others % 8 == 0) {                                                                               \
                low = (uint32_t)*from++;                                                                               \
            }                                                                                                          \
            weights |= (low >> (i) * others % 8) & BYTES((1u << others) - 1u);                                         \
        }                                                                                                              \
        if (shift & 1u) {                                                                                              \
            weights |= rotate_right(highest, i) & BYTES(1u << others);                                                 \
        }                                                                                                              \
        row[i] = subtract_bytes(weights, BYTES((0x80u >> (8 - bits) << shift) & 0xFFu));                               \
    } while (0)

static inline __attribute__((always_inline)) void add_all(uint32_t *row, int32_t words, const int32_t *from,
                                                          const uint32_t together, const uint32_t shift) {
    const uint32_t bits = 8u / together, others = shift & 6u;
    const uint32_t *symbols = row + words - words / (int32_t)together;
    uint32_t high = 0, low = 0, highest = 0; /* of the low bits, the last one is */
    for (int32_t i = 0; i < words; i += 4, row += 4) {
        if (shift & 1u) {
            highest = i & 4 ? rotate_right(highest, 4) : rotate_right((uint32_t)*from++, -others);
        }
        WORD(0);
        WORD(1);
        WORD(2);
        WORD(3);
    }
}

static uint32_t shift_of(const ec_low_bits *finish, int32_t number) {
    const ec_low_bits_params *p = finish->params;
    const uint32_t more = p->shifts ? (p->shifts[number >> 2] >> 2 * (number & 3)) & 3u : 0;
    return p->shift + more < EC_LOW_BITS_MOST ? p->shift + more : EC_LOW_BITS_MOST;
}

static void put_right(ec_low_bits *finish, uint8_t *row, int32_t taps) {
    while (finish->untouched < taps) {
        row[finish->untouched++] = finish->patch[1];
        finish->patch += 2;
        find_patch(finish);
    }
    if (finish->untouched != NEVER) {
        finish->untouched -= taps;
    }
}

/* Where damage has left too few low bits, the symbols stay as they are. */
#define ADD(together)                                                                                                  \
    void ec_low_bits_add_##together(ec_low_bits *finish, uint32_t *row, int32_t words, int32_t taps) {                 \
        const int32_t *low_bits = finish->low_bits;                                                                    \
        const uint32_t shift = shift_of(finish, finish->row++);                                                        \
        const int32_t units = words >> 2, needed = (shift & 1u ? (units + 1) >> 1 : 0) + units * (int32_t)(shift >> 1);\
        if (finish->params->low_words - (low_bits - finish->params->low_bits) < needed) {                              \
            return;                                                                                                    \
        }                                                                                                              \
        finish->low_bits += needed;                                                                                    \
        switch (shift) {                                                                                               \
        case 0: add_all(row, words, low_bits, together, 0); break;                                                     \
        case 1: add_all(row, words, low_bits, together, 1); break;                                                     \
        case 2: add_all(row, words, low_bits, together, 2); break;                                                     \
        case 3: add_all(row, words, low_bits, together, 3); break;                                                     \
        case 4: add_all(row, words, low_bits, together, 4); break;                                                     \
        default: add_all(row, words, low_bits, together, 5); break;                                                    \
        }                                                                                                              \
        put_right(finish, (uint8_t *)row, taps);                                                                       \
    }

ADD(1)
ADD(2)
ADD(4)
