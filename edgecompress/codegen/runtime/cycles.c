/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#include "cycles.h"

#define DEMCR (*(volatile uint32_t *)0xE000EDFCu)
#define DWT_CTRL (*(volatile uint32_t *)0xE0001000u)
#define DWT_CYCCNT (*(volatile uint32_t *)0xE0001004u)
#define SYST_CSR (*(volatile uint32_t *)0xE000E010u)
#define SYST_RVR (*(volatile uint32_t *)0xE000E014u)
#define SYST_CVR (*(volatile uint32_t *)0xE000E018u)
#define SCB_ICSR (*(volatile uint32_t *)0xE000ED04u)
#define ICSR_PENDSTSET (1u << 26)

static enum ec_counter counter;
static volatile uint32_t wraps;
static uint64_t dwt_total; /* DWT has 32 bits: what went by is added up each time somebody looks */
static uint32_t dwt_last;

/* A timer of an emulator may need a while to get going. */
static int moves(const volatile uint32_t *value)
{
    const uint32_t first = *value;
    for (int i = 0; i < 20000; ++i)
        if (*value != first)
            return 1;
    return 0;
}

enum ec_counter ec_cycles_open(void)
{
    counter = EC_COUNTER_NONE;
#ifdef EC_CPU_DWT
    DEMCR |= 1u << 24; /* TRCENA */
    DWT_CYCCNT = 0;
    DWT_CTRL |= 1u;
    dwt_total = dwt_last = 0;
    if (moves(&DWT_CYCCNT))
        return counter = EC_COUNTER_DWT;
#endif
    wraps = 0;
    SYST_RVR = 0xFFFFFFu;
    SYST_CVR = 0;
    SYST_CSR = 7; /* processor clock, interrupt, enable */
    if (moves(&SYST_CVR)) {
        __asm__ volatile("cpsie i" ::: "memory"); /* the only interrupt that is enabled */
        return counter = EC_COUNTER_SYSTICK;
    }
    SYST_CSR = 0;
    return counter;
}

void ec_systick_overflow(void)
{
    ++wraps;
}

/* SysTick counts down from 2^24 - 1. A wrap that is pending but not yet taken is counted here. */
static uint64_t systick_now(void)
{
    uint32_t before, after, value, pending;
    do {
        before = wraps;
        value = SYST_CVR;
        pending = SCB_ICSR & ICSR_PENDSTSET;
        after = wraps;
    } while (before != after);
    if (pending) {
        value = SYST_CVR;
        after += 1;
    }
    return ((uint64_t)after << 24) + (0xFFFFFFu - value);
}

uint64_t ec_cycles_now(void)
{
    if (counter == EC_COUNTER_DWT) {
        const uint32_t now = DWT_CYCCNT;
        dwt_total += now - dwt_last;
        dwt_last = now;
        return dwt_total;
    }
    return counter == EC_COUNTER_SYSTICK ? systick_now() : 0;
}
