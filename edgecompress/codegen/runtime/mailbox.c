/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* The firmware that a host drives: stop, do what the mailbox says, stop again. */
#include "program.h"

#include EC_MODEL_HEADER
#include "caches.h"
#include "cycles.h"
#include "mailbox.h"

#define LAYERS EC_MACRO(LAYERS)
#define KEEPS_STATE (EC_MACRO(STATE_BYTES) > 0)
uint8_t ec_arena[EC_MACRO(ARENA_BYTES)] __attribute__((section(".bss.arena"), aligned(16)));

/* layers that take turns are many calls: the host asks for some at a time */
#define TIMED_LAYERS (LAYERS < 32 ? LAYERS : 32)
static uint32_t layer_cycles[TIMED_LAYERS];

static const struct ec_slot inputs[] = {EC_MACRO(INPUT_SLOTS)};
static const struct ec_slot outputs[] = {EC_MACRO(OUTPUT_SLOTS)};

volatile struct ec_mailbox ec_mailbox;

static uint32_t address(const volatile void *pointer)
{
    return (uint32_t)(uintptr_t)pointer;
}

#ifdef EC_SERIAL
#include "serial.h"
__attribute__((noinline, used)) static void ec_mailbox_stop(void)
{
    ec_serial_serve(EC_SERIAL_AT_MAILBOX);
}
#else
/* A host that debugs waits for this breakpoint. On the way back it sets the program counter behind it. */
__attribute__((naked, noinline, used)) static void ec_mailbox_stop(void)
{
    __asm__ volatile("bkpt #0xEC\n\tbx lr");
}
#endif

static void report_cycles(uint64_t cycles)
{
    ec_mailbox.cycles[0] = (uint32_t)cycles;
    ec_mailbox.cycles[1] = (uint32_t)(cycles >> 32);
}

static int invoke(uint32_t times)
{
    int status = KEEPS_STATE ? EC_FUNCTION(reset)(ec_arena) : 0;
    for (uint32_t run = 0; run < times && status == 0; ++run) {
        const uint64_t start = ec_cycles_now();
        status = EC_FUNCTION(invoke)(ec_arena);
        report_cycles(ec_cycles_now() - start);
        ec_mailbox.runs += 1;
    }
    return status;
}

static int run_layers(uint32_t first, uint32_t count)
{
    uint64_t total = 0;
    int status = 0;
    if (first > LAYERS || count > LAYERS - first || count > TIMED_LAYERS)
        return EC_STATUS_BAD_ARGUMENT;
    for (uint32_t layer = 0; layer < count && status == 0; ++layer) {
        const uint64_t start = ec_cycles_now();
        status = EC_FUNCTION(run_layers)(ec_arena, (int)(first + layer), 1);
        layer_cycles[layer] = (uint32_t)(ec_cycles_now() - start);
        total += layer_cycles[layer];
    }
    report_cycles(total);
    return status;
}

static int obey(uint32_t command)
{
    if (command == EC_COMMAND_INVOKE)
        return invoke(ec_mailbox.argument[0]);
    if (command == EC_COMMAND_RUN_LAYERS)
        return run_layers(ec_mailbox.argument[0], ec_mailbox.argument[1]);
    if (KEEPS_STATE && command == EC_COMMAND_RESET)
        return EC_FUNCTION(reset)(ec_arena);
    return command == EC_COMMAND_NONE ? 0 : EC_STATUS_UNKNOWN_COMMAND;
}

static void describe(void)
{
    ec_mailbox.abi = EC_MAILBOX_ABI;
    ec_mailbox.bytes = sizeof(struct ec_mailbox);
    ec_mailbox.arena = address(ec_arena);
    ec_mailbox.arena_bytes = sizeof(ec_arena);
    ec_mailbox.layers = LAYERS;
    ec_mailbox.inputs = sizeof(inputs) / sizeof(inputs[0]);
    ec_mailbox.input_slots = address(inputs);
    ec_mailbox.outputs = sizeof(outputs) / sizeof(outputs[0]);
    ec_mailbox.output_slots = address(outputs);
    ec_mailbox.stack_low = address(ec_stack_low);
    ec_mailbox.stack_high = address(ec_stack_high);
    ec_mailbox.layer_cycles = address(layer_cycles);
    ec_mailbox.timed_layers = TIMED_LAYERS;
    ec_mailbox.counter = ec_cycles_open();
    ec_mailbox.magic = EC_MAILBOX_MAGIC; /* last: the host trusts nothing before it */
}

int main(void)
{
#ifdef EC_SERIAL
    ec_uart_open();
#endif
    describe();
    for (;;) {
        ec_mailbox.state = EC_STATE_READY;
        ec_caches_settle();
        ec_mailbox_stop();
        ec_caches_settle();
        ec_mailbox.state = EC_STATE_BUSY;
        ec_mailbox.status = obey(ec_mailbox.command);
        ec_mailbox.command = EC_COMMAND_NONE;
    }
}
