/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* The letter box between a host and the firmware. The host reads and writes this struct through a debug port (or an
 * emulator's memory), lets the program run, and waits for the breakpoint that ends each command. All fields are
 * little-endian 32-bit words unless said otherwise; addresses are the target's. */
#ifndef EC_MAILBOX_H
#define EC_MAILBOX_H

#include <stdint.h>

#define EC_MAILBOX_MAGIC 0x424D4345u /* "ECMB" */
#define EC_MAILBOX_ABI 2u

enum ec_command {
    EC_COMMAND_NONE = 0,
    EC_COMMAND_INVOKE = 1,     /* the whole model from a fresh state, argument[0] times; cycles: of the last run */
    EC_COMMAND_RUN_LAYERS = 2, /* argument[1] layers from argument[0] on, at most `timed_layers`, timed one by one */
    EC_COMMAND_RESET = 3,      /* of models that keep a state: forget it */
};

enum ec_state { EC_STATE_READY = 1, EC_STATE_BUSY = 2 };

enum ec_status { EC_STATUS_UNKNOWN_COMMAND = -1000, EC_STATUS_BAD_ARGUMENT = -1001 };

struct ec_slot {
    uint32_t offset; /* within the arena */
    uint32_t bytes;
};

struct ec_mailbox {
    uint32_t magic;
    uint32_t abi;
    uint32_t bytes; /* sizeof(struct ec_mailbox) */
    uint32_t state;
    uint32_t command; /* written by the host; the firmware sets it back to EC_COMMAND_NONE */
    uint32_t argument[2];
    int32_t status; /* what the model returned, 0 is good; or an enum ec_status */
    uint32_t arena;
    uint32_t arena_bytes;
    uint32_t layers;
    uint32_t inputs;
    uint32_t input_slots; /* address of struct ec_slot[inputs] */
    uint32_t outputs;
    uint32_t output_slots;
    uint32_t stack_low;
    uint32_t stack_high;
    uint32_t counter; /* enum ec_counter: what measures the cycles below */
    uint32_t runs;    /* inferences since reset */
    uint32_t layer_cycles; /* address of uint32_t[timed_layers]: of the layers that the last command ran */
    uint32_t timed_layers;
    uint32_t cycles[2];    /* of the last command, low word first */
};

#endif
