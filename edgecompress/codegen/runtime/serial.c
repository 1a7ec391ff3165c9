/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#include "serial.h"

#include "mailbox.h"

#define HEAD 5u /* kind, sequence, length */

extern volatile struct ec_mailbox ec_mailbox;

static uint32_t stops;
static uint8_t frame[HEAD + EC_SERIAL_MOST];

static uint32_t crc_byte(uint32_t crc, uint8_t byte)
{
    static const uint32_t table[16] = {0x00000000u, 0x1DB71064u, 0x3B6E20C8u, 0x26D930ACu, 0x76DC4190u, 0x6B6B51F4u,
                                       0x4DB26158u, 0x5005713Cu, 0xEDB88320u, 0xF00F9344u, 0xD6D6A3E8u, 0xCB61B38Cu,
                                       0x9B64C2B0u, 0x86D3D2D4u, 0xA00AE278u, 0xBDBDF21Cu};
    crc = crc >> 4 ^ table[(crc ^ byte) & 15u];
    return crc >> 4 ^ table[(crc ^ byte >> 4) & 15u];
}

static uint32_t crc_of(const volatile uint8_t *bytes, uint32_t count)
{
    uint32_t crc = 0xFFFFFFFFu;
    for (uint32_t i = 0; i < count; ++i)
        crc = crc_byte(crc, bytes[i]);
    return ~crc;
}

static uint32_t word_at(uint32_t offset)
{
    const uint8_t *p = frame + HEAD + offset;
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void put_word(uint32_t index, uint32_t value)
{
    for (uint32_t i = 0; i < 4; ++i)
        frame[HEAD + 4 * index + i] = (uint8_t)(value >> 8 * i);
}

static uint32_t length(void)
{
    return frame[3] | (uint32_t)frame[4] << 8;
}

/* The frame's payload is in place; its sequence is that of the question. */
static void answer(uint8_t kind, uint32_t count)
{
    frame[0] = kind;
    frame[3] = (uint8_t)count;
    frame[4] = (uint8_t)(count >> 8);
    const uint32_t crc = crc_of(frame, HEAD + count);
    ec_uart_send(EC_SERIAL_SYNC_0);
    ec_uart_send(EC_SERIAL_SYNC_1);
    for (uint32_t i = 0; i < HEAD + count; ++i)
        ec_uart_send(frame[i]);
    for (uint32_t i = 0; i < 4; ++i)
        ec_uart_send((uint8_t)(crc >> 8 * i));
}

static void refuse(uint32_t error)
{
    put_word(0, error);
    answer(EC_SERIAL_ERROR, 4);
}

static void tell(uint8_t kind, uint32_t state)
{
    put_word(0, EC_SERIAL_VERSION);
    put_word(1, state);
    put_word(2, stops);
    put_word(3, (uint32_t)(uintptr_t)&ec_mailbox);
    put_word(4, EC_SERIAL_MOST);
    answer(kind, sizeof(struct ec_serial_info));
}

/* One whole frame with a right checksum, or 0. */
static int receive(void)
{
    uint32_t crc = 0;
    uint8_t byte;
    while (ec_uart_receive() != EC_SERIAL_SYNC_0)
        ;
    while ((byte = ec_uart_receive()) == EC_SERIAL_SYNC_0)
        ;
    if (byte != EC_SERIAL_SYNC_1)
        return 0;
    for (uint32_t i = 0; i < HEAD; ++i)
        frame[i] = ec_uart_receive();
    if (length() > EC_SERIAL_MOST)
        return 0;
    for (uint32_t i = 0; i < length(); ++i)
        frame[HEAD + i] = ec_uart_receive();
    for (uint32_t i = 0; i < 4; ++i)
        crc |= (uint32_t)ec_uart_receive() << 8 * i;
    return crc == crc_of(frame, HEAD + length());
}

static void read_memory(void)
{
    const uint32_t address = word_at(0), count = word_at(4);
    if (length() != 8 || count > EC_SERIAL_MOST) {
        refuse(EC_SERIAL_BAD_QUESTION);
        return;
    }
    const volatile uint8_t *from = (const volatile uint8_t *)(uintptr_t)address;
    for (uint32_t i = 0; i < count; ++i)
        frame[HEAD + i] = from[i];
    answer(EC_SERIAL_READ | EC_SERIAL_ANSWER, count);
}

static void write_memory(void)
{
    if (length() < 4) {
        refuse(EC_SERIAL_BAD_QUESTION);
        return;
    }
    volatile uint8_t *to = (volatile uint8_t *)(uintptr_t)word_at(0);
    for (uint32_t i = 4; i < length(); ++i)
        to[i - 4] = frame[HEAD + i];
    answer(EC_SERIAL_WRITE | EC_SERIAL_ANSWER, 0);
}

static void checksum(void)
{
    if (length() != 8) {
        refuse(EC_SERIAL_BAD_QUESTION);
        return;
    }
    put_word(0, crc_of((const volatile uint8_t *)(uintptr_t)word_at(0), word_at(4)));
    answer(EC_SERIAL_CHECKSUM | EC_SERIAL_ANSWER, 4);
}

/* 1: go. A host that missed the end of the last run asks for that run again, and is told that it is over. */
static int run(uint32_t state)
{
    if (length() != 4) {
        refuse(EC_SERIAL_BAD_QUESTION);
    } else if (word_at(0) + 1 == stops) {
        tell(EC_SERIAL_STOPPED, state);
    } else if (word_at(0) != stops) {
        refuse(EC_SERIAL_OTHER_STOP);
    } else if (state != EC_SERIAL_AT_MAILBOX) {
        refuse(EC_SERIAL_CANNOT_RUN);
    } else {
        answer(EC_SERIAL_RUN | EC_SERIAL_ANSWER, 0);
        return 1;
    }
    return 0;
}

void ec_serial_serve(uint32_t state)
{
    stops += 1;
    frame[1] = frame[2] = 0;
    tell(EC_SERIAL_STOPPED, state);
    for (;;) {
        if (!receive())
            continue;
        switch (frame[0]) {
        case EC_SERIAL_INFO:
            tell(EC_SERIAL_INFO | EC_SERIAL_ANSWER, state);
            break;
        case EC_SERIAL_READ:
            read_memory();
            break;
        case EC_SERIAL_WRITE:
            write_memory();
            break;
        case EC_SERIAL_CHECKSUM:
            checksum();
            break;
        case EC_SERIAL_RUN:
            if (run(state))
                return;
            break;
        default:
            refuse(EC_SERIAL_BAD_QUESTION);
        }
    }
}
