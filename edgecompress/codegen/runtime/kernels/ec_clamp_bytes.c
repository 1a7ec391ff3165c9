/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* Four bytes in four instructions, where the processor has them; loads stay together, since they take a cycle each then. */
#include "ec_clamp_bytes.h"

#include "ec_dsp.h"
#include "ec_fixed_point.h"

/* `lows` and `highs` hold the ends four times. */
static inline uint32_t clamp_word(uint32_t word, uint32_t lows, uint32_t highs) {
#if EC_HAS_DSP
    uint32_t result, unused;
    __asm__("ssub8 %0, %2, %3\n\t"
            "sel %0, %2, %3\n\t"
            "ssub8 %1, %4, %0\n\t"
            "sel %0, %0, %4"
            : "=&r"(result), "=&r"(unused)
            : "r"(word), "r"(lows), "r"(highs)
            : "cc");
    return result;
#else
    uint32_t result = 0;
    for (int32_t bits = 0; bits < 32; bits += 8) {
        const int32_t value = ec_clamp((int8_t)(word >> bits), (int8_t)(lows >> bits), (int8_t)(highs >> bits));
        result |= (uint32_t)(uint8_t)value << bits;
    }
    return result;
#endif
}

static inline void store_word(int8_t *to, uint32_t word) {
    __builtin_memcpy(to, &word, sizeof word);
}

static inline uint32_t four_times(int32_t value) {
    return (uint8_t)value * UINT32_C(0x01010101);
}

void ec_clamp_bytes(int8_t *values, int32_t count, int32_t low, int32_t high) {
    const uint32_t lows = four_times(low), highs = four_times(high);
    for (; count >= 16; count -= 16, values += 16) {
        const uint32_t a = ec_load_word(values), b = ec_load_word(values + 4);
        const uint32_t c = ec_load_word(values + 8), d = ec_load_word(values + 12);
        store_word(values, clamp_word(a, lows, highs));
        store_word(values + 4, clamp_word(b, lows, highs));
        store_word(values + 8, clamp_word(c, lows, highs));
        store_word(values + 12, clamp_word(d, lows, highs));
    }
    for (; count >= 4; count -= 4, values += 4) {
        store_word(values, clamp_word(ec_load_word(values), lows, highs));
    }
    for (; count > 0; --count, ++values) {
        *values = (int8_t)ec_clamp(*values, low, high);
    }
}
