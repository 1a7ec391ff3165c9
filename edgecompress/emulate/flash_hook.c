/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* Follows every fetch and every load that goes to flash through caches of the board's sizes (least recently used goes),
 * and counts by layer. Called for every block and every load, so it is C and needs no library. flash_trace.py lays out
 * these structs. */
#include <stdint.h>

#define NOWHERE 0xFFFFFFFFu

struct cache {
    uint32_t *lines; /* of each set its ways, the one used last first; NOWHERE where empty */
    uint32_t sets;
    uint32_t ways;
    uint32_t shift; /* of an address to its line */
};

struct traffic {
    uint64_t lines;      /* fetches from another line than the one before */
    uint64_t misses;     /* of these, not in the cache, though a jump came there */
    uint64_t sequential; /* not in the cache, and next after the line before: prefetched where the board does that */
    uint64_t loads;      /* loads from flash */
    uint64_t load_lines; /* of these, from another line than the load before */
    uint64_t load_misses;
};

struct trace {
    const int32_t *layer; /* of the block counter, which has seen a block before it comes here */
    const uint32_t *state;
    struct traffic *traffic; /* [0]: before the first layer */
    struct cache fetched;
    struct cache loaded;
    uint32_t shared;       /* loads go through the cache of the fetches */
    uint32_t origin;       /* of the flash */
    uint32_t end;          /* first address behind it */
    uint32_t fetched_line; /* before */
    uint32_t loaded_line;
};

enum { COUNTING = 1 };

static int misses(struct cache *cache, uint32_t line)
{
    uint32_t *set = cache->lines + (line % cache->sets) * cache->ways;
    uint32_t before = line;
    for (uint32_t way = 0; way < cache->ways; ++way) {
        const uint32_t now = set[way];
        set[way] = before;
        if (now == line)
            return 0;
        before = now;
    }
    return 1;
}

void ec_fetch_hook(void *uc, uint64_t address, uint32_t size, void *user)
{
    struct trace *trace = user;
    (void)uc;
    if (*trace->state != COUNTING || address < trace->origin || address >= trace->end)
        return;
    struct traffic *traffic = &trace->traffic[*trace->layer + 1];
    const uint32_t shift = trace->fetched.shift;
    const uint32_t last = (uint32_t)(address + size - 1) >> shift;
    for (uint32_t line = (uint32_t)address >> shift; line <= last; ++line) {
        if (line == trace->fetched_line)
            continue;
        traffic->lines += 1;
        if (misses(&trace->fetched, line)) {
            if (line == trace->fetched_line + 1)
                traffic->sequential += 1;
            else
                traffic->misses += 1;
        }
        trace->fetched_line = line;
    }
}

void ec_load_hook(void *uc, int type, uint64_t address, int size, int64_t value, void *user)
{
    struct trace *trace = user;
    (void)uc, (void)type, (void)size, (void)value;
    if (*trace->state != COUNTING || address < trace->origin || address >= trace->end)
        return;
    struct traffic *traffic = &trace->traffic[*trace->layer + 1];
    struct cache *cache = trace->shared ? &trace->fetched : &trace->loaded;
    const uint32_t line = (uint32_t)address >> cache->shift;
    traffic->loads += 1;
    if (line == trace->loaded_line)
        return;
    traffic->load_lines += 1;
    traffic->load_misses += (uint64_t)misses(cache, line);
    trace->loaded_line = line;
}
