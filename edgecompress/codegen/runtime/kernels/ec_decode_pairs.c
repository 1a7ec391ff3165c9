/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#include "ec_decode_pairs.h"

#include "ec_bits.h"
#include "ec_huffman.h"

typedef uint16_t __attribute__((may_alias)) half; /* of a word */

void ec_decode_pairs_begin(ec_decode_pairs *decoder, const ec_decode_pairs_params *params, uint32_t *tables) {
    const uint8_t *codebook = (const uint8_t *)params->codebook;
    const uint32_t size = 1u << params->log;
    half *const symbols = (half *)(void *)tables + size; /* behind, read before it is written over */
    ec_huffman_table((uint16_t *)symbols, params->lengths, params->length_bytes, params->log);
    for (uint32_t i = 0; i < size; ++i) {
        const uint32_t entry = symbols[i], weights = codebook[entry & 15u] | (uint32_t)codebook[(entry >> 4) & 15u] << 8;
        tables[i] = weights | (entry >> 8) << 16;
    }
    decoder->params = params;
    decoder->table = tables;
    decoder->at = 0;
}

#if defined(__thumb2__) && defined(__ARM_FEATURE_UNALIGNED)

/* No load but one waits for the number that it is addressed with. */
#define TWO_PAIRS()                                                                                                    \
    do {                                                                                                               \
        uint32_t bits, length, entry, other;                                                                           \
        __asm__ volatile("lsr %[length], %[at], #3\n\t"                                                                \
                         "and %[entry], %[at], #7\n\t"                                                                 \
                         "ldr %[bits], [%[stream], %[length]]\n\t"                                                     \
                         "rev %[bits], %[bits]\n\t"                                                                    \
                         "lsl %[bits], %[bits], %[entry]\n\t"                                                          \
                         "lsr %[length], %[bits], %[unused]\n\t"                                                       \
                         "ldr %[entry], [%[table], %[length], lsl #2]\n\t"                                             \
                         "lsr %[length], %[entry], #16\n\t"                                                            \
                         "lsl %[bits], %[bits], %[length]\n\t"                                                         \
                         "lsr %[bits], %[bits], %[unused]\n\t"                                                         \
                         "strh %[entry], [%[to]], #2\n\t"                                                              \
                         "ldr %[other], [%[table], %[bits], lsl #2]\n\t"                                               \
                         "add %[at], %[at], %[length]\n\t"                                                             \
                         "strh %[other], [%[to]], #2\n\t"                                                              \
                         "add %[at], %[at], %[other], lsr #16\n\t"                                                     \
                         : [at] "+r"(at), [to] "+r"(to), [bits] "=&r"(bits), [length] "=&r"(length),                   \
                           [entry] "=&r"(entry), [other] "=&r"(other)                                                  \
                         : [stream] "r"(stream), [table] "r"(table), [unused] "r"(unused)                              \
                         : "memory");                                                                                  \
    } while (0)

#else

#define TWO_PAIRS()                                                                                                    \
    do {                                                                                                               \
        const uint32_t bits = ec_bits_highest_first(stream, at), entry = table[bits >> unused];                        \
        const uint32_t other = table[(bits << (entry >> 16)) >> unused];                                               \
        *to++ = (half)entry;                                                                                           \
        *to++ = (half)other;                                                                                           \
        at += (entry >> 16) + (other >> 16);                                                                           \
    } while (0)

#endif

void ec_decode_pairs_row(ec_decode_pairs *decoder, uint32_t *row) {
    const ec_decode_pairs_params *p = decoder->params;
    const uint32_t *table = decoder->table;
    const uint8_t *stream = p->stream;
    const uint32_t end = (uint32_t)p->end, unused = 32u - p->log;
    uint32_t at = decoder->at;
    half *to = (half *)(void *)row;
    int32_t count = (p->taps + 1) >> 1;
    while (count >= 4 && at + 64 <= end) {
        const int32_t safe = (int32_t)((end - at) >> 6); /* fours, which take 40 bits at most */
        int32_t fours = safe < count >> 2 ? safe : count >> 2;
        count -= 4 * fours;
        do {
            TWO_PAIRS();
            TWO_PAIRS();
        } while (--fours);
    }
    for (; count > 0; --count) {
        at = at < end ? at : end;
        const uint32_t entry = table[ec_bits_highest_first(stream, at) >> unused];
        *to++ = (half)entry;
        at += entry >> 16;
    }
    decoder->at = at;
}
