/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#include "ec_low_bits.h"

enum { NEVER = INT32_MAX }; /* more than all weights of a tensor */
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

/* The words of four weights each: high bits go to their place in the byte, low ones to where they are missing; then half of the range
 * is taken off. All but the data are constants. */
#define WORD(i)                                                                                                        \
    do {                                                                                                               \
        uint32_t weights = (row[i] << shift) & BYTES(0xFFu << shift & 0xFFu);                                          \
        if (others) {                                                                                                  \
            if ((i) * others % 8 == 0) {                                                                               \
                low = (uint32_t)*from++;                                                                               \
            }                                                                                                          \
            weights |= (low >> (i) * others % 8) & BYTES((1u << others) - 1u);                                         \
        }                                                                                                              \
        if (shift & 1u) {                                                                                              \
            weights |= rotate_right(highest, i) & BYTES(1u << others);                                                 \
        }                                                                                                              \
        row[i] = weights ^ BYTES(0x80u << shift & 0xFFu);                                                              \
    } while (0)

static inline __attribute__((always_inline)) void add_all(uint32_t *row, int32_t units, const int32_t *from, const uint32_t shift) {
    const uint32_t others = shift & 6u;
    uint32_t low = 0, highest = 0; /* of the low bits, the last one is */
    for (int32_t i = 0; i < units; ++i, row += 4) {
        if (shift & 1u) {
            highest = i & 1 ? rotate_right(highest, 4) : rotate_right((uint32_t)*from++, -others);
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

const int32_t *ec_low_bits_next(ec_low_bits *finish, int32_t units, uint32_t *shift) {
    const int32_t *low_bits = finish->low_bits;
    const uint32_t bits = shift_of(finish, finish->row++);
    const int32_t needed = (bits & 1u ? (units + 1) >> 1 : 0) + units * (int32_t)(bits >> 1);
    const int32_t left = bits == 0 ? 0 : finish->params->low_words - (int32_t)(low_bits - finish->params->low_bits);
    if (left < needed) {
        *shift = 0;
        return low_bits;
    }
    finish->low_bits = bits == 0 ? low_bits : low_bits + needed;
    *shift = bits;
    return low_bits;
}

void ec_low_bits_add(ec_low_bits *finish, uint32_t *row, int32_t units) {
    uint32_t shift;
    const int32_t *low_bits = ec_low_bits_next(finish, units, &shift);
    switch (shift) {
    case 0: add_all(row, units, low_bits, 0); break;
    case 1: add_all(row, units, low_bits, 1); break;
    case 2: add_all(row, units, low_bits, 2); break;
    case 3: add_all(row, units, low_bits, 3); break;
    case 4: add_all(row, units, low_bits, 4); break;
    default: add_all(row, units, low_bits, 5); break;
    }
}

/* The halfword 256 * b + a: where a changes its sign, b's byte changes too. */
static void put_joint(uint8_t *row, int32_t place, uint32_t weight) {
    uint8_t *const pair = row + (place & ~1);
    const uint32_t before = (uint32_t)(pair[0] | pair[1] << 8), a = (uint32_t)(int8_t)pair[0];
    const uint32_t now = place & 1 ? (weight << 8) + a : before - a + (uint32_t)(int8_t)weight;
    pair[0] = (uint8_t)now;
    pair[1] = (uint8_t)(now >> 8);
}

void ec_low_bits_put_right(ec_low_bits *finish, uint8_t *row, int32_t taps, int32_t is_joint) {
    while (finish->untouched < taps) {
        const uint8_t weight = finish->patch[1];
        if (is_joint) {
            put_joint(row, finish->untouched, weight);
        } else {
            row[finish->untouched] = weight;
        }
        ++finish->untouched;
        finish->patch += 2;
        find_patch(finish);
    }
    finish->untouched -= taps;
}
