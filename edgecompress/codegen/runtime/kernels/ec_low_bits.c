/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#include "ec_low_bits.h"

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

/* In bytes, the high bits are taken from a word of symbols, moved up, completed, and moved down to signed numbers. */
typedef struct {
    uint32_t shift, mask, add, flip;
} placing;

static inline placing placing_of(uint32_t bits, uint32_t shift) {
    const uint32_t half = 1u << (bits - 1);
    if (bits + shift > 8) { /* what is moved out at the top is that half */
        return (placing){shift, BYTES(0xFFu >> shift), 0, shift ? 0 : BYTES(0x80)};
    }
    return (placing){shift, BYTES((1u << bits) - 1u), BYTES(0x80u - (half << shift)), BYTES(0x80)};
}

static inline uint32_t rotate_right(uint32_t word, uint32_t bits) {
    return word >> (bits & 31u) | word << (-bits & 31u);
}

/* Four words at a time. together and single are constants wherever this is called. */
static inline __attribute__((always_inline)) void add_all(ec_low_bits *finish, uint32_t *row, int32_t words, int32_t together,
                                                          uint32_t shift, uint32_t single) {
    const uint32_t bits = 8u / (uint32_t)together, others = shift & 6u;
    const uint32_t other_mask = BYTES((1u << others) - 1u), single_mask = BYTES(1u << others);
    const placing p = placing_of(bits, shift);
    const uint32_t *symbols = row + words - words / together;
    const int32_t *from = finish->low_bits;
    uint32_t high = 0, low = 0, highest = 0; /* of the low bits, that is */
    for (int32_t i = 0; i < words; i += 4, row += 4) {
        if (single && (i & 4) == 0) {
            highest = rotate_right((uint32_t)*from++, -others);
        }
        if (others) {
            low = (uint32_t)*from++;
        }
        for (int32_t j = 0; j < 4; ++j) {
            if (j % together == 0) {
                high = *symbols++;
            }
            uint32_t weights = (high & p.mask) << p.shift;
            high >>= bits & 7u;
            if (single) {
                weights |= highest & single_mask;
                highest = rotate_right(highest, 1);
            }
            if (j == 2 && others == 4) {
                low = (uint32_t)*from++;
            }
            weights |= low & other_mask;
            low >>= others;
            row[j] = (weights + p.add) ^ p.flip;
        }
    }
    finish->low_bits = from;
}

void ec_low_bits_add(ec_low_bits *finish, uint32_t *row, int32_t words, int32_t taps, int32_t together) {
    const ec_low_bits_params *p = finish->params;
    const int32_t number = finish->row++;
    uint32_t shift = p->shift;
    if (p->shifts) {
        shift += (p->shifts[number >> 2] >> 2 * (number & 3)) & 3u;
    }
    const int32_t single = shift & 1u, units = words >> 2;
    const int32_t needed = (single ? (units + 1) >> 1 : 0) + units * (int32_t)((shift & 6u) >> 1);
    if (p->low_words - (finish->low_bits - p->low_bits) < needed) {
        return; /* a damaged one: the symbols stay as they are */
    }
    switch (2 * together + single) {
    case 2: add_all(finish, row, words, 1, shift, 0); break;
    case 3: add_all(finish, row, words, 1, shift, 1); break;
    case 4: add_all(finish, row, words, 2, shift, 0); break;
    case 5: add_all(finish, row, words, 2, shift, 1); break;
    case 8: add_all(finish, row, words, 4, shift, 0); break;
    default: add_all(finish, row, words, 4, shift, 1); break;
    }
    while (finish->untouched < taps) {
        ((uint8_t *)row)[finish->untouched++] = finish->patch[1];
        finish->patch += 2;
        find_patch(finish);
    }
    if (finish->untouched != NEVER) {
        finish->untouched -= taps;
    }
}
