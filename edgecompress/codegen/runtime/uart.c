/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* A polled driver for any UART that ec_board.h describes. */
#include "serial.h"

struct ec_uart_step {
    uint32_t address, value, mask;
    uint8_t width, wait;
};

struct ec_uart_way {
    uint32_t data, status, mask, ready;
    uint8_t clear, after;
};

#include "ec_board.h"

#define MOST_LOOKS 1000000u /* at something that may never come, such as a crystal that is not there */

static const struct ec_uart_way receiving = EC_UART_RECEIVE, sending = EC_UART_SEND;

static volatile uint32_t *word(uint32_t address)
{
    return (volatile uint32_t *)(uintptr_t)address;
}

static void take(const struct ec_uart_step *step)
{
    const uintptr_t address = step->address;
    if (step->wait) {
        for (uint32_t i = 0; i < MOST_LOOKS && (*word(step->address) & step->mask) != step->value; ++i)
            ;
    } else if (step->width == 1) {
        volatile uint8_t *reg = (volatile uint8_t *)address;
        *reg = (uint8_t)(step->mask == 0xFFu ? step->value : (*reg & ~step->mask) | step->value);
    } else if (step->width == 2) {
        volatile uint16_t *reg = (volatile uint16_t *)address;
        *reg = (uint16_t)(step->mask == 0xFFFFu ? step->value : (*reg & ~step->mask) | step->value);
    } else {
        volatile uint32_t *reg = word(step->address);
        *reg = step->mask == 0xFFFFFFFFu ? step->value : (*reg & ~step->mask) | step->value;
    }
    __asm__ volatile("dsb" ::: "memory");
}

void ec_uart_open(void)
{
    for (uint32_t i = 0; i < sizeof(ec_uart_steps) / sizeof(ec_uart_steps[0]); ++i)
        take(&ec_uart_steps[i]);
}

static void await(const struct ec_uart_way *way)
{
    while ((*word(way->status) & way->mask) != way->ready)
        ;
    if (way->clear)
        *word(way->status) = 0;
}

uint8_t ec_uart_receive(void)
{
    await(&receiving);
    return (uint8_t)*word(receiving.data);
}

void ec_uart_send(uint8_t byte)
{
    if (!sending.after)
        await(&sending);
    *word(sending.data) = byte;
    if (sending.after)
        await(&sending);
}
