/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* Counts the basic blocks that an emulator executes: how often each ran, and how often its end was not followed by the
 * next address (a taken branch). Called for every block, so it is C and needs no library. The same rules stand in
 * Python in counter.py, which lays out these structs too. */
#include <stdint.h>

struct block {
    uint32_t address;
    uint32_t size;
    int32_t layer;
    int32_t enters; /* the layer that starts at this address, or -1 */
    uint64_t executed; /* 0: an empty slot */
    uint64_t taken;
};

enum state { WAITING = 0, COUNTING = 1, DONE = 2 };
enum trouble { NONE = 0, LIMIT = 1, TABLE_FULL = 2 };

struct counter {
    uint64_t bytes; /* of all code executed since the limit was set */
    uint64_t bytes_limit;
    int (*stop)(void *uc);
    int (*read_register)(void *uc, int number, void *value);
    struct block *blocks;
    const uint32_t *layers; /* entry address of each */
    uint32_t layer_count;
    uint32_t mask; /* slots - 1, slots a power of two */
    uint32_t used;
    uint32_t start;  /* entry of the function that is counted */
    uint32_t finish; /* where it returns to, known once it was entered */
    int32_t link_register;
    int32_t layer; /* now */
    uint32_t state;
    uint32_t trouble;
    uint32_t end;     /* of the block before */
    uint32_t before;  /* its slot, or NOWHERE */
};

#define NOWHERE 0xFFFFFFFFu

static int32_t layer_at(const struct counter *counter, uint32_t address)
{
    for (uint32_t k = 0; k < counter->layer_count; ++k)
        if (counter->layers[k] == address)
            return (int32_t)k;
    return -1;
}

static uint32_t slot_of(struct counter *counter, uint32_t address, uint32_t size, int32_t layer)
{
    uint32_t slot = ((address >> 1) * 2654435761u + (uint32_t)layer * 40503u) >> 7;
    for (;; ++slot) {
        struct block *block = &counter->blocks[slot & counter->mask];
        if (block->executed == 0) {
            block->address = address;
            block->size = size;
            block->layer = layer;
            block->enters = layer_at(counter, address);
            counter->used += 1;
            return slot & counter->mask;
        }
        if (block->address == address && block->layer == layer && block->size == size)
            return slot & counter->mask;
    }
}

static void count(struct counter *counter, uint32_t address, uint32_t size)
{
    if (counter->before != NOWHERE && address != counter->end)
        counter->blocks[counter->before].taken += 1;
    uint32_t slot = slot_of(counter, address, size, counter->layer);
    const int32_t enters = counter->blocks[slot].enters;
    if (enters >= 0 && enters != counter->layer) {
        if (counter->blocks[slot].executed == 0)
            counter->used -= 1; /* the slot stays empty: this block belongs to the layer that it enters */
        counter->layer = enters;
        slot = slot_of(counter, address, size, enters);
    }
    counter->blocks[slot].executed += 1;
    counter->before = slot;
    counter->end = address + size;
}

void ec_block_hook(void *uc, uint64_t address64, uint32_t size, void *user)
{
    struct counter *counter = user;
    const uint32_t address = (uint32_t)address64;
    counter->bytes += size;
    if (counter->bytes > counter->bytes_limit || counter->used * 2 > counter->mask) {
        counter->trouble = counter->bytes > counter->bytes_limit ? LIMIT : TABLE_FULL;
        counter->stop(uc);
        return;
    }
    if (counter->state == WAITING && address == counter->start) {
        counter->state = COUNTING;
        counter->read_register(uc, counter->link_register, &counter->finish);
        counter->finish &= ~1u;
    } else if (counter->state == COUNTING && address == counter->finish) {
        if (counter->before != NOWHERE && address != counter->end)
            counter->blocks[counter->before].taken += 1;
        counter->state = DONE;
    }
    if (counter->state == COUNTING)
        count(counter, address, size);
}
