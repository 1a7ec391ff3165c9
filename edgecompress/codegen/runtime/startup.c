/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* Start-up of any Cortex-M: vector table, memory, floating-point unit, faults. Needs no vendor header. */
#include "caches.h"
#include "cycles.h"
#include "program.h"
#ifdef EC_SERIAL
#include "serial.h"
#endif

#define SCB_VTOR (*(volatile uint32_t *)0xE000ED08u)
#define SCB_CCR (*(volatile uint32_t *)0xE000ED14u)
#define SCB_CFSR (*(volatile uint32_t *)0xE000ED28u)
#define SCB_MMFAR (*(volatile uint32_t *)0xE000ED34u)
#define SCB_BFAR (*(volatile uint32_t *)0xE000ED38u)
#define SCB_CPACR (*(volatile uint32_t *)0xE000ED88u)

extern uint32_t ec_data_load[], ec_data_start[], ec_data_end[];
extern uint32_t ec_bss_start[], ec_bss_end[];
extern uint32_t ec_arena_start[], ec_arena_end[];

volatile struct ec_fault ec_fault;

void Reset_Handler(void);
void ec_fault_entry(void);
void ec_fault_record(const uint32_t *frame, uint32_t exception) __attribute__((noreturn));

union ec_vector {
    uint32_t *stack;
    void (*handler)(void);
};

__attribute__((section(".vectors"), used)) const union ec_vector ec_vectors[16] = {
    {.stack = ec_stack_high},
    {.handler = Reset_Handler},
    {.handler = ec_fault_entry}, /* NMI */
    {.handler = ec_fault_entry}, /* HardFault */
    {.handler = ec_fault_entry}, /* MemManage */
    {.handler = ec_fault_entry}, /* BusFault */
    {.handler = ec_fault_entry}, /* UsageFault */
    {.handler = ec_fault_entry}, /* SecureFault */
    {.handler = 0},
    {.handler = 0},
    {.handler = 0},
    {.handler = ec_fault_entry}, /* SVCall */
    {.handler = ec_fault_entry}, /* DebugMonitor */
    {.handler = 0},
    {.handler = ec_fault_entry}, /* PendSV */
    {.handler = ec_systick_overflow},
};

/* The empty assembly keeps compilers from turning the loop into a call of memset or memcpy before RAM is ready. */
static inline void fill(uint32_t *from, uint32_t *end, uint32_t value)
{
    for (; from < end; ++from) {
        *from = value;
        __asm__ volatile("" ::: "memory");
    }
}

static inline void copy(uint32_t *to, uint32_t *end, const uint32_t *from)
{
    for (; to < end; ++to, ++from) {
        *to = *from;
        __asm__ volatile("" ::: "memory");
    }
}

static inline void enable_units(void)
{
#ifdef EC_CPU_VTOR
    SCB_VTOR = (uint32_t)(uintptr_t)ec_vectors;
#endif
#ifdef EC_CPU_FPU
    SCB_CPACR |= 0xFu << 20;
#endif
#ifdef __ARM_FEATURE_MVE
    SCB_CCR |= 1u << 19; /* low-overhead loops */
#endif
#if defined(EC_CPU_VTOR) || defined(EC_CPU_FPU)
    __asm__ volatile("dsb\n\tisb" ::: "memory");
#endif
}

#ifdef EC_STARTUP_WRITES
/* The bits of `mask` become `value`, where the word at `where`, masked, is at least `least`. */
struct ec_write {
    uintptr_t address;
    uint32_t value, mask;
    uintptr_t where;
    uint32_t where_mask, least;
};
static const struct ec_write startup_writes[] = {EC_STARTUP_WRITES};

static inline void write_registers(void)
{
    for (uint32_t i = 0; i < sizeof(startup_writes) / sizeof(startup_writes[0]); ++i) {
        const struct ec_write *write = &startup_writes[i];
        volatile uint32_t *reg = (volatile uint32_t *)write->address;
        if ((*(volatile uint32_t *)write->where & write->where_mask) < write->least)
            continue;
        *reg = (*reg & ~write->mask) | write->value;
        (void)*reg; /* a clock that was enabled is there once the write has been read back */
    }
    __asm__ volatile("dsb" ::: "memory");
}
#else
static inline void write_registers(void)
{
}
#endif

void Reset_Handler(void)
{
    uint32_t *sp;
    __asm__ volatile("cpsid i" ::: "memory");
    enable_units();
    write_registers();
    __asm__ volatile("mov %0, sp" : "=r"(sp));
    fill(ec_stack_low, sp, EC_STACK_PAINT);
    fill(ec_bss_start, ec_bss_end, 0);
    fill(ec_arena_start, ec_arena_end, 0);
    copy(ec_data_start, ec_data_end, ec_data_load);
    ec_caches_open();
    ec_exit(main());
}

/* The stack may be what is broken: take the frame's address, then start a fresh stack. Only r0-r3 are touched. */
__attribute__((naked, used)) void ec_fault_entry(void)
{
    __asm__ volatile("mov r0, sp\n\t"
                     "mrs r1, ipsr\n\t"
                     "ldr r2, =ec_stack_high\n\t"
                     "mov sp, r2\n\t"
                     "ldr r2, =ec_fault_record\n\t"
                     "bx r2\n\t"
                     ".pool");
}

__attribute__((noinline, used)) static void ec_fault_stop(void)
{
#ifdef EC_SERIAL
    ec_serial_serve(EC_SERIAL_AT_FAULT);
#endif
    for (;;)
        __asm__ volatile("bkpt #0xEF");
}

void ec_fault_record(const uint32_t *frame, uint32_t exception)
{
    const uintptr_t low = (uintptr_t)ec_stack_low, high = (uintptr_t)ec_stack_high;
    ec_fault.exception = exception;
    ec_fault.sp = (uint32_t)(uintptr_t)frame;
    if ((uintptr_t)frame >= low && (uintptr_t)frame <= high - 32u) {
        ec_fault.lr = frame[5];
        ec_fault.pc = frame[6];
    }
#ifdef EC_CPU_VTOR
#if __ARM_ARCH >= 7
    ec_fault.cfsr = SCB_CFSR;
    if (ec_fault.cfsr & 0x8000u)
        ec_fault.address = SCB_BFAR;
    else if (ec_fault.cfsr & 0x80u)
        ec_fault.address = SCB_MMFAR;
#endif
#endif
    ec_fault.taken = 1;
    for (;;)
        ec_fault_stop();
}

/* SYS_EXIT_EXTENDED: r1 points at the reason (application exit) and the status. */
void ec_exit(int status)
{
    volatile uint32_t block[2] = {0x20026u, (uint32_t)status};
    register uint32_t operation __asm__("r0") = 0x20u;
    register volatile uint32_t *argument __asm__("r1") = block;
    __asm__ volatile("bkpt #0xAB" : "+r"(operation) : "r"(argument) : "memory");
    for (;;)
        ec_fault_stop();
}
