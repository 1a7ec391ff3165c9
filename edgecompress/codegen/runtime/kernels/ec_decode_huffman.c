/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#include "ec_decode_huffman.h"

#include "ec_bits.h"
#include "ec_huffman.h"

void ec_decode_huffman_begin(ec_decode_huffman *decoder, const ec_decode_huffman_params *params, uint32_t *tables) {
    ec_huffman_table((uint16_t *)(void *)tables, params->lengths, params->length_bytes, params->log);
    decoder->params = params;
    decoder->table = (const uint16_t *)(const void *)tables;
    decoder->at = 0;
    ec_low_bits_begin(&decoder->finish, &params->finish);
}

#if defined(__thumb2__) && defined(__ARM_FEATURE_UNALIGNED)

#define TWO_SYMBOLS()                                                                                                  \
    do {                                                                                                               \
        uint32_t bits, length, entry, other;                                                                           \
        __asm__ volatile("lsr %[length], %[at], #3\n\t"                                                                \
                         "and %[entry], %[at], #7\n\t"                                                                 \
                         "ldr %[bits], [%[stream], %[length]]\n\t"                                                     \
                         "rev %[bits], %[bits]\n\t"                                                                    \
                         "lsl %[bits], %[bits], %[entry]\n\t"                                                          \
                         "lsr %[length], %[bits], %[unused]\n\t"                                                       \
                         "ldrh %[entry], [%[table], %[length], lsl #1]\n\t"                                            \
                         "lsr %[length], %[entry], #8\n\t"                                                             \
                         "lsl %[bits], %[bits], %[length]\n\t"                                                         \
                         "lsr %[bits], %[bits], %[unused]\n\t"                                                         \
                         "strb %[entry], [%[to]], #1\n\t"                                                              \
                         "ldrh %[other], [%[table], %[bits], lsl #1]\n\t"                                              \
                         "add %[at], %[at], %[length]\n\t"                                                             \
                         "strb %[other], [%[to]], #1\n\t"                                                              \
                         "add %[at], %[at], %[other], lsr #8\n\t"                                                      \
                         : [at] "+r"(at), [to] "+r"(to), [bits] "=&r"(bits), [length] "=&r"(length),                   \
                           [entry] "=&r"(entry), [other] "=&r"(other)                                                  \
                         : [stream] "r"(stream), [table] "r"(table), [unused] "r"(unused)                              \
                         : "memory");                                                                                  \
    } while (0)

#else

#define TWO_SYMBOLS()                                                                                                  \
    do {                                                                                                               \
        uint32_t bits = ec_bits_highest_first(stream, at);                                                             \
        const uint32_t entry = table[bits >> unused], other = table[(bits << (entry >> 8)) >> unused];                 \
        *to++ = (uint8_t)entry;                                                                                        \
        *to++ = (uint8_t)other;                                                                                        \
        at += (entry >> 8) + (other >> 8);                                                                             \
    } while (0)

#endif

/* count: a multiple of 4 */
static void decode_symbols(ec_decode_huffman *decoder, uint8_t *to, int32_t count) {
    const uint16_t *table = decoder->table;
    const uint8_t *stream = decoder->params->stream;
    const uint32_t end = (uint32_t)decoder->params->end, unused = 32u - decoder->params->log;
    uint32_t at = decoder->at;
    while (count > 0 && at + 64 <= end) {
        const int32_t safe = (int32_t)((end - at) >> 6); /* fours, which take 40 bits at most */
        int32_t fours = safe < count >> 2 ? safe : count >> 2;
        count -= 4 * fours;
        do {
            TWO_SYMBOLS();
            TWO_SYMBOLS();
        } while (--fours);
    }
    for (; count > 0; --count) {
        at = at < end ? at : end;
        const uint32_t entry = table[ec_bits_highest_first(stream, at) >> unused];
        *to++ = (uint8_t)entry;
        at += entry >> 8;
    }
    decoder->at = at;
}

void ec_decode_huffman_row(ec_decode_huffman *decoder, uint32_t *row) {
    const int32_t taps = decoder->params->taps;
    decode_symbols(decoder, (uint8_t *)row, ((taps + 3) >> 2) << 2);
    ec_low_bits_add_1(&decoder->finish, row, ((taps + 15) >> 4) << 2, taps);
}

void ec_decode_huffman_row_2(ec_decode_huffman *decoder, uint32_t *row) {
    const int32_t taps = decoder->params->taps, words = ((taps + 15) >> 4) << 2;
    decode_symbols(decoder, (uint8_t *)(row + (words >> 1)), ((taps + 7) >> 3) << 2);
    ec_low_bits_add_2(&decoder->finish, row, words, taps);
}

void ec_decode_huffman_row_4(ec_decode_huffman *decoder, uint32_t *row) {
    const int32_t taps = decoder->params->taps, words = ((taps + 15) >> 4) << 2;
    decode_symbols(decoder, (uint8_t *)(row + words - (words >> 2)), words);
    ec_low_bits_add_4(&decoder->finish, row, words, taps);
}
