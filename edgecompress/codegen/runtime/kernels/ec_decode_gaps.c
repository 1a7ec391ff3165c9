/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#include "ec_decode_gaps.h"

#include "ec_bits.h"
#include "ec_dsp.h"

enum { SIZE = 1 << EC_GAPS_LOG, SYMBOLS = 16, HEAD = 3, MOST_ENTRIES = 1022 };

/* What a table has of a symbol, lowest first: a byte with the length of its code, a byte with what it adds to an entry of a list, a
 * halfword with the weight, or with how far the next entry is. values: 0 for gaps. */
static inline uint32_t symbol_of(const int8_t *values, uint32_t symbol, uint32_t length) {
    return length | (values ? symbol << 8 | (uint32_t)values[symbol] << 16 : symbol << 12 | (symbol + 1) << 16);
}

/* What no code begins with is the last symbol: whatever the numbers are, the table is whole. */
static __attribute__((noinline)) void make_table(uint32_t *table, const uint8_t *codes, const int8_t *values) {
    uint32_t *const end = table + SIZE;
    for (uint32_t symbol = 0, length = 1, left = *codes; symbol < SYMBOLS; ++symbol, --left) {
        while (left == 0 && length < EC_GAPS_LOG) {
            ++length;
            left = *++codes;
        }
        const uint32_t entry = symbol_of(values, symbol, length), entries = SIZE >> length;
        uint32_t *const behind = symbol == SYMBOLS - 1 || end - table < (int32_t)entries ? end : table + entries;
        while (table < behind) {
            *table++ = entry;
        }
    }
}

/* The next symbol; its bits leave the top of `bits`. */
static inline uint32_t take(const uint32_t *table, uint32_t *bits) {
    const uint32_t entry = table[*bits >> (32 - EC_GAPS_LOG)];
    *bits <<= entry & 0xFFu;
    return entry;
}

/* The entry of the next weight; the gap behind it is known, too. */
static inline uint32_t next_weight(ec_decode_gaps *d) {
    d->at = d->at < d->end ? d->at : d->end;
    uint32_t bits = ec_bits_highest_first(d->stream, d->at);
    const uint32_t entry = take(d->table, &bits);
    d->gap = take(d->table + SIZE, &bits);
    d->at += (entry + d->gap) & 0xFFu;
    d->left -= (int32_t)(d->gap >> 16);
    return entry;
}

/* Entries of a list until its row ends, or `to` is at `limit` or one further. There is an entry, and room for it. */
#if EC_HAS_DSP && defined(__ARM_FEATURE_UNALIGNED)

/* r1 stream, r2 and r3 tables, r4 limit, r5 end, r6 at, r7 gap, r8 left, r9 to, r10 sum, r11 bits, r12 weight. */
#define ENTRY                                                                                                          \
    "lsr lr, r11, #26\n\t"                                                                                             \
    "ldr r12, [r2, lr, lsl #2]\n\t"                                                                                    \
    "lsl r11, r11, r12\n\t"                                                                                            \
    "orr r0, r12, r7\n\t"                                                                                              \
    "lsr lr, r11, #26\n\t"                                                                                             \
    "ldr r7, [r3, lr, lsl #2]\n\t"                                                                                     \
    "lsr r0, r0, #8\n\t"                                                                                               \
    "strb r0, [r9], #1\n\t"                                                                                            \
    "uxtab r6, r6, r12\n\t"                                                                                            \
    "add r10, r10, r12, asr #16\n\t"                                                                                   \
    "lsl r11, r11, r7\n\t"                                                                                             \
    "uxtab r6, r6, r7\n\t"                                                                                             \
    "subs r8, r8, r7, lsr #16\n\t"                                                                                     \
    "ble 2f\n\t"

#pragma GCC diagnostic ignored "-Wunused-parameter" /* the assembly reads them from their registers */

static __attribute__((naked, noinline)) void write_entries(ec_decode_gaps *decoder, const uint8_t *limit) {
    __asm__ volatile("push {r0, r4-r11, lr}\n\t"
                     "mov r4, r1\n\t"
                     "ldm r0, {r1, r2, r5-r10}\n\t"
                     "add r3, r2, #256\n"
                     "1:\n\t"
                     "cmp r6, r5\n\t"
                     "it hi\n\t"
                     "movhi r6, r5\n\t"
                     "lsr lr, r6, #3\n\t"
                     "and r0, r6, #7\n\t"
                     "ldr r11, [r1, lr]\n\t"
                     "rev r11, r11\n\t"
                     "lsl r11, r11, r0\n\t" ENTRY ENTRY "cmp r9, r4\n\t"
                     "blo 1b\n"
                     "2:\n\t"
                     "pop {r0}\n\t"
                     "add r0, r0, #12\n\t"
                     "stm r0, {r6-r10}\n\t"
                     "pop {r4-r11, pc}\n\t");
}

#else

static void write_entries(ec_decode_gaps *d, const uint8_t *limit) {
    do {
        const uint32_t gap = d->gap, entry = next_weight(d);
        *d->to++ = (uint8_t)((entry | gap) >> 8);
        d->sum += (int32_t)entry >> 16;
    } while (d->left > 0 && d->to < limit);
}

#endif

void ec_decode_gaps_begin(ec_decode_gaps *decoder, const ec_decode_gaps_params *params, uint32_t *tables) {
    make_table(tables, params->codes, params->values);
    make_table(tables + SIZE, params->codes + EC_GAPS_LOG, 0);
    uint32_t bits = params->end > 0 ? ec_bits_highest_first(params->stream, 0) : 0;
    const uint32_t gap = take(tables + SIZE, &bits);
    *decoder = (ec_decode_gaps){params->stream, tables, (uint32_t)params->end, gap & 0xFFu, gap, 1 - (int32_t)(gap >> 16), 0, 0, params};
}

void ec_decode_gaps_row(ec_decode_gaps *decoder, uint32_t *row) {
    const int32_t taps = decoder->params->taps;
    for (int32_t i = 0; i < (taps + 3) >> 2; ++i) {
        row[i] = 0;
    }
    decoder->left += taps;
    while (decoder->left > 0) {
        uint8_t *const to = (uint8_t *)row + (taps - decoder->left);
        *to = (uint8_t)(next_weight(decoder) >> 16);
    }
}

void ec_decode_gaps_lists(ec_decode_gaps *decoder, uint8_t *lists, int32_t rows, int32_t bytes) {
    const uint8_t *const end = lists + bytes;
    while (--rows >= 0) {
        uint8_t *const first = lists + HEAD, *const most = first + MOST_ENTRIES;
        const uint8_t *const limit = end - HEAD * rows < most ? end - HEAD * rows : most;
        decoder->to = first;
        decoder->sum = 0;
        decoder->gap = (uint32_t)-decoder->left << 12;
        decoder->left += decoder->params->taps;
        if (decoder->left > 0 && first < limit) {
            write_entries(decoder, limit);
        }
        decoder->left = decoder->left < 0 ? decoder->left : 0;
        const uint32_t head = (uint32_t)(decoder->to - first) | (uint32_t)-decoder->sum << 10;
        lists[0] = (uint8_t)head;
        lists[1] = (uint8_t)(head >> 8);
        lists[2] = (uint8_t)(head >> 16);
        lists = decoder->to;
    }
}
