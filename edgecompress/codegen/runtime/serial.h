/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* The mailbox over a UART, for boards without a debug port. The host asks, the device answers, both in frames:
 *
 *     0xEC 0x5A | kind, 1 byte | sequence, 2 | length, 2 | payload, `length` bytes | CRC-32 of kind to payload, 4
 *
 * Little-endian throughout; the CRC is the one of zlib. An answer has its question's kind plus 0x80 and the same sequence.
 * A damaged frame is dropped without a word: the host asks again. All questions may be asked twice; RUN says which stop it
 * starts from, so that a repeated one does not run twice. While the model runs nobody listens; when it stops, the device
 * sends EC_SERIAL_STOPPED by itself. */
#ifndef EC_SERIAL_H
#define EC_SERIAL_H

#include <stdint.h>

#define EC_SERIAL_SYNC_0 0xECu
#define EC_SERIAL_SYNC_1 0x5Au
#define EC_SERIAL_VERSION 1u
#define EC_SERIAL_MOST 512u /* bytes of payload */

enum ec_serial_kind {
    EC_SERIAL_INFO = 1,     /* -> struct ec_serial_info */
    EC_SERIAL_READ = 2,     /* address, count -> bytes */
    EC_SERIAL_WRITE = 3,    /* address, bytes -> */
    EC_SERIAL_RUN = 4,      /* the number of stops so far -> ; then EC_SERIAL_STOPPED */
    EC_SERIAL_CHECKSUM = 5, /* address, count -> CRC-32 of that memory */
    EC_SERIAL_ANSWER = 0x80,
    EC_SERIAL_STOPPED = 0x70, /* unasked: struct ec_serial_info */
    EC_SERIAL_ERROR = 0xFF,   /* -> enum ec_serial_error, 4 bytes */
};

enum ec_serial_error { EC_SERIAL_BAD_QUESTION = 1, EC_SERIAL_OTHER_STOP = 2, EC_SERIAL_CANNOT_RUN = 3 };

enum ec_serial_state { EC_SERIAL_AT_MAILBOX = 1, EC_SERIAL_AT_FAULT = 2 };

struct ec_serial_info {
    uint32_t version;
    uint32_t state;   /* enum ec_serial_state */
    uint32_t stops;   /* since reset, this one included */
    uint32_t mailbox; /* address of struct ec_mailbox */
    uint32_t most;    /* EC_SERIAL_MOST */
};

void ec_serial_serve(uint32_t state); /* answers the host until it says RUN; never returns from a fault */

/* The line itself: uart.c on a board. */
void ec_uart_open(void);
void ec_uart_send(uint8_t byte);
uint8_t ec_uart_receive(void); /* waits */

#endif
