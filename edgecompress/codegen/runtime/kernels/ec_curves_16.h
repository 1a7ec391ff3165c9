/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* Sigmoid and tanh of 16-bit numbers, interpolated in TensorFlow Lite's table: 256 values of a sigmoid less 32768. Results are in units
 * of 2^-15. */
#ifndef EC_CURVES_16_H
#define EC_CURVES_16_H

#include <stdint.h>

/* the table at x / 2^bits, times 2^bits */
static inline uint32_t ec_between(const int16_t *table, uint32_t x, uint32_t bits, uint32_t highest) {
    const uint32_t place = x >> bits;
    if (place >= 255) {
        return highest;
    }
    const uint32_t low = 32768u + (uint32_t)table[place], high = 32768u + (uint32_t)table[place + 1];
    return (low << bits) + (x & ((1u << bits) - 1u)) * (high - low);
}

/* of so many 512ths of the table's steps */
static inline int32_t ec_sigmoid_16(const int16_t *table, int32_t x) {
    const int32_t y = (int32_t)ec_between(table, (uint32_t)(x < 0 ? -x : x), 9, 0x7FFFu << 10);
    return (x >= 0 ? y + (1 << 9) : (1 << 25) - y + (1 << 9) - 1) >> 10;
}

/* of so many 256ths of the table's steps */
static inline int32_t ec_tanh_16(const int16_t *table, int32_t x) {
    const int32_t y = (int32_t)ec_between(table, (uint32_t)(x < 0 ? -x : x), 8, 0xFFFFu << 8);
    return (x >= 0 ? y - (1 << 23) + (1 << 7) : -y + (1 << 23) + (1 << 7) - 1) >> 8;
}

#endif
