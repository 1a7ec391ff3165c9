/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#include "ec_decode_pairs.h"

#include "ec_bits.h"
#include "ec_dsp.h"

#define BYTES(value) (0x01010101u * (uint32_t)(value))

enum { MOST_SHIFT = 4 };

/* The lowest `count` bits in the opposite order. */
static inline uint32_t reversed(uint32_t bits, uint32_t count) {
#if defined(__thumb2__)
    uint32_t result;
    __asm__("rbit %0, %1" : "=r"(result) : "r"(bits));
    return result >> (32u - count);
#else
    uint32_t result = 0;
    for (; count > 0; --count, bits >>= 1) {
        result = 2 * result + (bits & 1u);
    }
    return result;
#endif
}

/* The high half of an entry: both weights, or their high bits, as the halfword 256 * b + a, which can be shifted and added to. */
static uint32_t weights_of(const ec_decode_pairs_params *p, uint32_t symbol) {
    const int32_t first = (int32_t)(symbol & 15u), second = (int32_t)((symbol >> 4) & 15u);
    const int32_t joint = p->codebook ? 256 * p->codebook[second] + p->codebook[first] : 256 * (second - 8) + first - 8;
    return (uint32_t)joint << 16;
}

/* The entries of the codes of one run of lengths, from `symbol` on; the code behind them, as `log` bits. */
static uint32_t write_run(uint32_t *table, const ec_decode_pairs_params *p, uint32_t symbol, uint32_t run, uint32_t code) {
    const uint32_t log = p->log, length = run & 15u, behind = symbol + (run >> 4) + 1;
    uint32_t *const end = table + (1u << log);
    for (; symbol < behind && code >> log == 0; ++symbol, code += 1u << (log - length)) {
        const uint32_t entry = weights_of(p, symbol) | length;
        uint32_t *to = table + reversed(code, log);
        do {
            *to = entry;
            to += 1u << length;
        } while (to < end);
    }
    return code;
}

static void make_table(uint32_t *table, const ec_decode_pairs_params *p) {
    const uint32_t log = p->log, size = 1u << log;
    uint32_t next[16] = {0}, symbol = 0, end = 0; /* of the codes of each length: their number, then the next one, as `log` bits */
    for (int32_t i = 0; i < p->length_bytes; ++i) {
        next[p->lengths[i] & 15u] += (p->lengths[i] >> 4) + 1u;
    }
    for (uint32_t length = 1; length <= log; ++length) {
        const uint32_t codes = next[length];
        next[length] = end;
        end += codes << (log - length);
    }
    for (int32_t i = 0; i < p->length_bytes; ++i) {
        const uint32_t run = p->lengths[i], length = run & 15u;
        if (length - 1u < log) {
            next[length] = write_run(table, p, symbol, run, next[length]);
        }
        symbol += (run >> 4) + 1;
    }
    for (const uint32_t entry = weights_of(p, 0) | log; end < size; ++end) {
        table[reversed(end, log)] = entry;
    }
}

void ec_decode_pairs_begin(ec_decode_pairs *decoder, const ec_decode_pairs_params *params, uint32_t *tables) {
    make_table(tables, params);
    decoder->params = params;
    decoder->table = tables;
    decoder->at = 0;
    ec_low_bits_begin(&decoder->finish, &params->finish);
}

/* What decodes, in registers: `at` alone changes. */
typedef struct {
    const uint8_t *stream;
    const uint32_t *table;
    uint32_t mask, at;
} reader;

/* Four weights from the entries of two pairs: the low bits, each in its byte, are added to the high ones. */
static inline __attribute__((always_inline)) uint32_t word_of(uint32_t first, uint32_t second, const uint32_t shift, uint32_t low) {
    uint32_t high;
    second <<= shift;
#if EC_HAS_DSP
    __asm__("pkhtb %0, %1, %2, asr %3" : "=r"(high) : "r"(second), "r"(first), "i"(16 - shift));
#else
    high = (second & 0xFFFF0000u) | (first >> (16 - shift) & 0xFFFFu);
#endif
    return shift == 0 ? high : ec_add_pairs(high, low);
}

/* The entries of the next two pairs, and meanwhile the bits of `from`, shifted to the right, that are in `mask`. No load but one waits
 * for the number that it is addressed with. */
static inline __attribute__((always_inline)) uint32_t two_entries(reader *r, uint32_t *first, uint32_t *second, uint32_t from,
                                                                 const uint32_t place, uint32_t mask) {
    uint32_t low;
#if EC_HAS_DSP && defined(__ARM_FEATURE_UNALIGNED)
    uint32_t bits, entry, other;
    __asm__ volatile("lsr %[other], %[at], #3\n\t"
                     "and %[entry], %[at], #7\n\t"
                     "ldr %[bits], [%[stream], %[other]]\n\t"
                     "lsr %[bits], %[bits], %[entry]\n\t"
                     "and %[entry], %[bits], %[all]\n\t"
                     "and %[low], %[lows], %[from], lsr %[place]\n\t"
                     "ldr %[entry], [%[table], %[entry], lsl #2]\n\t"
                     "lsr %[bits], %[bits], %[entry]\n\t"
                     "and %[other], %[bits], %[all]\n\t"
                     "uxtab %[at], %[at], %[entry]\n\t"
                     "ldr %[other], [%[table], %[other], lsl #2]\n\t"
                     "uxtab %[at], %[at], %[other]\n\t"
                     : [at] "+r"(r->at), [bits] "=&r"(bits), [entry] "=&r"(entry), [other] "=&r"(other), [low] "=&r"(low)
                     : [stream] "r"(r->stream), [table] "r"(r->table), [all] "r"(r->mask), [from] "r"(from), [lows] "r"(mask),
                       [place] "i"(place));
    *first = entry;
    *second = other;
#else
    const uint32_t bits = ec_bits_lowest_first(r->stream, r->at);
    *first = r->table[bits & r->mask];
    *second = r->table[(bits >> (*first & 31u)) & r->mask];
    r->at += (*first & 0xFFu) + (*second & 0xFFu);
    low = (from >> place) & mask;
#endif
    return low;
}

/* Words whose low bits come as ec_low_bits.h says: fours of them; eights where the number of low bits is odd. */
static inline __attribute__((always_inline)) void whole_units(reader *r, uint32_t *to, int32_t words, const int32_t *from,
                                                             const uint32_t shift) {
    const uint32_t others = shift & 6u, lows = BYTES((1u << others) - 1u), bit = BYTES(1u << others);
    const uint32_t *const end = to + words;
    reader here = *r;
    uint32_t low = 0, highest = 0;
    do {
#define WORD(i)                                                                                                        \
    do {                                                                                                               \
        uint32_t entry, other, added;                                                                                  \
        if (others != 0 && (i) * others % 8 == 0) {                                                                    \
            low = (uint32_t)*from++;                                                                                   \
        }                                                                                                              \
        if (shift == 0) {                                                                                              \
            added = two_entries(&here, &entry, &other, here.mask, 0, here.mask); /* no more registers */               \
        } else if (others != 0) {                                                                                      \
            added = two_entries(&here, &entry, &other, low, (i) * others % 8, lows);                                   \
            added |= shift & 1u ? (others + 1 > (i) ? highest << (others - (i)) : highest >> ((i) - others)) & bit : 0;\
        } else {                                                                                                       \
            added = two_entries(&here, &entry, &other, highest, (i), bit);                                             \
        }                                                                                                              \
        to[i] = word_of(entry, other, shift, added);                                                                   \
    } while (0)
        if (shift & 1u) {
            highest = (uint32_t)*from++;
        }
        WORD(0);
        WORD(1);
        WORD(2);
        WORD(3);
        if (shift & 1u) {
            WORD(4);
            WORD(5);
            WORD(6);
            WORD(7);
        }
        to += shift & 1u ? 8 : 4;
    } while (to < end);
    r->at = here.at;
}

/* Words one by one, with an eye to the end of the stream. */
static void other_words(reader *r, uint32_t end, uint32_t *row, int32_t first, int32_t words, const int32_t *from, uint32_t shift) {
    const uint32_t others = shift & 6u, lows = BYTES((1u << others) - 1u);
    for (int32_t i = first; i < words; ++i) {
        const int32_t *block = from + (i >> 3) * (int32_t)shift;
        uint32_t entry, other, low = 0;
        r->at = r->at < end ? r->at : end;
        if (shift & 1u) {
            low = ((uint32_t)*block++ >> (i & 7) & BYTES(1)) << others;
        }
        if (others != 0) {
            low |= (uint32_t)block[(i & 7) * (int32_t)others >> 3] >> ((uint32_t)i * others & 7u) & lows;
        }
        two_entries(r, &entry, &other, 0, 0, 0);
        const uint32_t high = (other >> 16 << shift << 16) | (entry >> 16 << shift & 0xFFFFu);
        row[i] = ec_add_pairs(high, low);
    }
}

/* Words whose codes, two of `log` bits at most each, are certainly within so many bits; a bit more is taken for each, to save a
 * division. */
static inline int32_t safe_words(uint32_t bits, uint32_t log) {
    return (int32_t)(log > 8 ? bits * 3 >> 6 : bits >> 4);
}

static void decode_words(reader *r, const ec_decode_pairs_params *p, uint32_t *row, int32_t words, const int32_t *from,
                         uint32_t shift) {
    const uint32_t end = (uint32_t)p->end;
    const int32_t several = shift & 1u ? ~7 : ~3;
    int32_t i = 0;
    while (i < (words & several) && r->at < end) {
        int32_t safe = safe_words(end - r->at, p->log);
        safe = (safe < words - i ? safe : words - i) & several;
        if (safe == 0) {
            break;
        }
        const int32_t *low = from + ((uint32_t)i * shift >> 3);
        switch (shift) {
        case 0: whole_units(r, row + i, safe, low, 0); break;
        case 1: whole_units(r, row + i, safe, low, 1); break;
        case 2: whole_units(r, row + i, safe, low, 2); break;
        case 3: whole_units(r, row + i, safe, low, 3); break;
        default: whole_units(r, row + i, safe, low, 4); break;
        }
        i += safe;
    }
    other_words(r, end, row, i, words, from, shift);
}

/* Halfwords 256 * b + a become the bytes a, b. */
static void separate(uint32_t *row, int32_t words) {
    for (int32_t i = 0; i < words; ++i) {
        row[i] = ec_add_pairs(row[i], (row[i] & 0x00800080u) << 1);
    }
}

void ec_decode_pairs_row(ec_decode_pairs *decoder, uint32_t *row) {
    const ec_decode_pairs_params *p = decoder->params;
    const int32_t words = (p->taps + 3) >> 2;
    reader r = {p->stream, decoder->table, (1u << p->log) - 1u, decoder->at};
    uint32_t shift = 0;
    const int32_t *low = p->codebook ? 0 : ec_low_bits_next(&decoder->finish, (words + 3) >> 2, &shift);
    shift = shift < MOST_SHIFT ? shift : MOST_SHIFT;
    decode_words(&r, p, row, words, low, shift);
    decoder->at = r.at;
    if (!p->is_joint) {
        separate(row, words);
    }
    if (!p->codebook) {
        ec_low_bits_put_right(&decoder->finish, (uint8_t *)row, p->taps, p->is_joint);
    }
}
