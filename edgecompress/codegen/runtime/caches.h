/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* The Cortex-M7's instruction and data cache (Armv7-M Architecture Reference Manual, B2.2 and B3.2), where the board's
 * data say that they are used (EC_CPU_CACHES). Elsewhere both functions are empty. */
#ifndef EC_CACHES_H
#define EC_CACHES_H

#include <stdint.h>

#ifdef EC_CPU_CACHES
#define CACHES_WORD(address) (*(volatile uint32_t *)(address))
#define CACHES_CCR CACHES_WORD(0xE000ED14u)
#define CACHES_CCSIDR CACHES_WORD(0xE000ED80u)
#define CACHES_CSSELR CACHES_WORD(0xE000ED84u)
#define CACHES_ICIALLU CACHES_WORD(0xE000EF50u)
#define CACHES_DCISW CACHES_WORD(0xE000EF60u)  /* invalidate by set and way */
#define CACHES_DCCISW CACHES_WORD(0xE000EF74u) /* clean and invalidate by set and way */

/* 32-byte lines: the set begins at bit 5; the way is in the topmost bits, two for a cache of four ways. */
static inline void ec_caches_each_line(volatile uint32_t *operation)
{
    CACHES_CSSELR = 0; /* level 1, data */
    __asm__ volatile("dsb" ::: "memory");
    const uint32_t size = CACHES_CCSIDR;
    const uint32_t sets = size >> 13 & 0x7FFFu, ways = size >> 3 & 0x3FFu;
    for (uint32_t set = 0; set <= sets; ++set)
        for (uint32_t way = 0; way <= ways; ++way)
            *operation = way << 30 | set << 5;
    __asm__ volatile("dsb\n\tisb" ::: "memory");
}
#endif

/* After reset the caches hold anything: invalidate, then switch on. */
static inline void ec_caches_open(void)
{
#ifdef EC_CPU_CACHES
    CACHES_ICIALLU = 0;
    ec_caches_each_line(&CACHES_DCISW);
    CACHES_CCR |= 1u << 17 | 1u << 16;
    __asm__ volatile("dsb\n\tisb" ::: "memory");
#endif
}

/* Before and after the host looks at memory past the data cache: write back what is there, and forget it. */
static inline void ec_caches_settle(void)
{
#ifdef EC_CPU_CACHES
    ec_caches_each_line(&CACHES_DCCISW);
#endif
}

#endif
