/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* A model as a Linux program: `program JOB ANSWER` runs the inputs in the file JOB and writes outputs and times to ANSWER.
 *
 * All numbers are little-endian, as every processor is that this is compiled for.
 * JOB:    8 words of 32 bits: "ECJB", version, samples, taps, warm-up runs, timed runs, timed runs layer by layer, limit in
 *         seconds; per tap 3 words: layers run before it is read, offset in the arena, bytes; per sample the inputs' bytes.
 *         Every sample begins with a fresh state; timed runs follow one another.
 * ANSWER: 8 words: "ECAN", version, samples, taps, timed runs, timed runs layer by layer, layers, peak memory in KiB;
 *         nanoseconds as 64 bits: per run, then per run and layer; per sample the taps' bytes.
 * Exit status: 0 done, 2 bad job, 3 ANSWER cannot be written, 4 the model refused. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ec_linux.h"

#define VERSION 1u
#define JOB_MAGIC 0x424A4345u    /* "ECJB" */
#define ANSWER_MAGIC 0x4E414345u /* "ECAN" */
#define WORDS 8

enum { BAD_JOB = 2, CANNOT_WRITE = 3, REFUSED = 4 };
enum { MAGIC, ABI, SAMPLES, TAPS, WARM_UP, RUNS, LAYER_RUNS, LIMIT };

struct tap {
    uint32_t after, offset, bytes;
};
struct slot {
    uint32_t offset, bytes;
};

static uint8_t arena[EC_MACRO(ARENA_BYTES)] __attribute__((aligned(64)));
static const struct slot inputs[EC_MACRO(INPUTS)] = {EC_MACRO(INPUT_SLOTS)};

static void fail(int status, const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(status);
}

uint64_t ec_now(void);

static void *allocate(size_t count, size_t bytes)
{
    void *memory = calloc(count ? count : 1, bytes);
    if (memory == NULL)
        fail(BAD_JOB, "the job needs more memory than there is", strerror(errno));
    return memory;
}

static void read_all(FILE *job, void *data, size_t bytes)
{
    if (bytes && fread(data, 1, bytes, job) != bytes)
        fail(BAD_JOB, "the job is too short", ferror(job) ? strerror(errno) : "its end came early");
}

static void write_all(FILE *answer, const void *data, size_t bytes)
{
    if (bytes && fwrite(data, 1, bytes, answer) != bytes)
        fail(CANNOT_WRITE, "the answer cannot be written", strerror(errno));
}

static void check(int status)
{
    if (status != 0)
        fail(REFUSED, "the model refused to run", "status is not 0");
}

/* Called right after the model: a counter of instructions stops where this begins, so that it is never inlined. */
__attribute__((noinline)) uint64_t ec_now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* The most memory that was resident, in KiB. getrusage would also count that of the process which started this one. */
static uint32_t peak_memory(void)
{
    unsigned long kibibytes = 0;
    char line[256];
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        if (sscanf(line, "VmHWM: %lu", &kibibytes) == 1)
            break;
    if (status)
        fclose(status);
    return (uint32_t)kibibytes;
}

/* The model reuses the memory of its inputs: they are written before every run. */
static void set_inputs(const uint8_t *sample)
{
    for (int k = 0; k < EC_MACRO(INPUTS); ++k) {
        memcpy(arena + inputs[k].offset, sample, inputs[k].bytes);
        sample += inputs[k].bytes;
    }
}

static void run_and_tap(FILE *answer, const struct tap *taps, uint32_t count)
{
    for (uint32_t k = 0, done = 0; k < count; ++k) {
        if (taps[k].after > done) {
            check(EC_FUNCTION(run_layers)(arena, (int)done, (int)(taps[k].after - done)));
            done = taps[k].after;
        }
        write_all(answer, arena + taps[k].offset, taps[k].bytes);
    }
}

static void check_taps(const struct tap *taps, uint32_t count)
{
    for (uint32_t k = 0; k < count; ++k) {
        const int outside = taps[k].offset > sizeof arena || taps[k].bytes > sizeof arena - taps[k].offset;
        if (outside || taps[k].after > EC_MACRO(LAYERS) || (k && taps[k].after < taps[k - 1].after))
            fail(BAD_JOB, "the job is not for this model", "a tap lies outside of it");
    }
}

static size_t sample_bytes(void)
{
    size_t bytes = 0;
    for (int k = 0; k < EC_MACRO(INPUTS); ++k)
        bytes += inputs[k].bytes;
    return bytes;
}

static void time_runs(const uint8_t *samples, const uint32_t *head, uint64_t *run_times, uint64_t *layer_times)
{
    const size_t bytes = sample_bytes();
    check(EC_FUNCTION(reset)(arena));
    for (uint32_t run = 0; run < head[WARM_UP] + head[RUNS]; ++run) {
        set_inputs(samples + run % head[SAMPLES] * bytes);
        const uint64_t start = ec_now();
        const int status = EC_FUNCTION(invoke)(arena);
        const uint64_t end = ec_now();
        check(status);
        if (run >= head[WARM_UP])
            run_times[run - head[WARM_UP]] = end - start;
    }
    for (uint32_t run = 0; run < head[LAYER_RUNS]; ++run) {
        set_inputs(samples + run % head[SAMPLES] * bytes);
        for (int layer = 0; layer < EC_MACRO(LAYERS); ++layer) {
            const uint64_t start = ec_now();
            const int status = EC_FUNCTION(run_layers)(arena, layer, 1);
            layer_times[run * EC_MACRO(LAYERS) + layer] = ec_now() - start;
            check(status);
        }
    }
}

int main(int argc, char **argv)
{
    uint32_t head[WORDS];
    if (argc != 3)
        fail(BAD_JOB, "usage", "program JOB ANSWER");
    FILE *job = fopen(argv[1], "rb");
    if (job == NULL)
        fail(BAD_JOB, "the job cannot be opened", strerror(errno));
    read_all(job, head, sizeof head);
    if (head[MAGIC] != JOB_MAGIC || head[ABI] != VERSION || head[SAMPLES] == 0)
        fail(BAD_JOB, "this is no job", "another magic or version");
    alarm(head[LIMIT]); /* whoever started this may be gone by then */
    struct tap *taps = allocate(head[TAPS], sizeof *taps);
    read_all(job, taps, head[TAPS] * sizeof *taps);
    check_taps(taps, head[TAPS]);
    uint8_t *samples = allocate(head[SAMPLES], sample_bytes());
    read_all(job, samples, head[SAMPLES] * sample_bytes());
    fclose(job);
    uint64_t *run_times = allocate(head[RUNS], sizeof *run_times);
    uint64_t *layer_times = allocate((size_t)head[LAYER_RUNS] * EC_MACRO(LAYERS), sizeof *layer_times);
    time_runs(samples, head, run_times, layer_times);

    FILE *answer = fopen(argv[2], "wb");
    if (answer == NULL)
        fail(CANNOT_WRITE, "the answer cannot be opened", strerror(errno));
    const uint32_t words[WORDS] = {ANSWER_MAGIC, VERSION,          head[SAMPLES],    head[TAPS],
                                   head[RUNS],   head[LAYER_RUNS], EC_MACRO(LAYERS), peak_memory()};
    write_all(answer, words, sizeof words);
    write_all(answer, run_times, head[RUNS] * sizeof *run_times);
    write_all(answer, layer_times, (size_t)head[LAYER_RUNS] * EC_MACRO(LAYERS) * sizeof *layer_times);
    for (uint32_t k = 0; k < head[SAMPLES]; ++k) {
        check(EC_FUNCTION(reset)(arena));
        set_inputs(samples + k * sample_bytes());
        run_and_tap(answer, taps, head[TAPS]);
    }
    if (fclose(answer) != 0)
        fail(CANNOT_WRITE, "the answer cannot be written", strerror(errno));
    return 0;
}
