/* A board that is a process: its UART is standard input and output, its memory is its own. The protocol and the mailbox are
 * the firmware's own C. TEST_RESET_AFTER: start afresh, as a reset would, in the middle of this run; TEST_HANG_AFTER: never
 * come back from it; TEST_DIE_AFTER: the cable is out. */
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "cycles.h"
#include "program.h"
#include "serial.h"

uint32_t ec_stack_low[64], ec_stack_high[1];
volatile struct ec_fault ec_fault;
static uint32_t runs;
extern char **environ;

static uint32_t number(const char *name)
{
    const char *text = getenv(name);
    return text ? (uint32_t)atoi(text) : 0;
}

/* The model calls this first: see TOY_TROUBLE. */
void test_trouble(void)
{
    ++runs;
    if (runs == number("TEST_DIE_AFTER"))
        _exit(3);
    if (runs == number("TEST_RESET_AFTER")) {
        unsetenv("TEST_RESET_AFTER");
        execve("/proc/self/exe", (char *[]){"board", 0}, environ);
    }
    if (runs == number("TEST_FAULT_AFTER")) {
        ec_fault.taken = 1;
        ec_fault.exception = 3;
        ec_serial_serve(EC_SERIAL_AT_FAULT);
    }
    while (runs == number("TEST_HANG_AFTER"))
        sleep(1);
}

void ec_uart_open(void)
{
}

void ec_uart_send(uint8_t byte)
{
    if (write(1, &byte, 1) != 1)
        _exit(0);
}

uint8_t ec_uart_receive(void)
{
    uint8_t byte;
    if (read(0, &byte, 1) != 1)
        _exit(0);
    return byte;
}

/* Time goes by 1000 cycles between two looks. */
static uint64_t now;

enum ec_counter ec_cycles_open(void)
{
    return EC_COUNTER_DWT;
}

uint64_t ec_cycles_now(void)
{
    return now += 1000;
}

void ec_fault_stop(void)
{
}
