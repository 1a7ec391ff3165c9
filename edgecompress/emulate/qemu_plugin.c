/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* A QEMU plugin that counts the instructions executed inside one function, layer by layer. Arguments, as numbers:
 * start=<entry> finish=<return address> layer=<entry> layer=<entry> … It writes one line of counts when QEMU ends.
 *
 * Needs no header of QEMU and no library: these few declarations are QEMU's documented plugin interface. */
#include <stdint.h>

typedef uint64_t plugin_id;
struct tb;
typedef void (*tb_translated)(plugin_id id, struct tb *tb);
typedef void (*tb_executed)(unsigned int vcpu, void *user);
typedef void (*finished)(plugin_id id, void *user);

uint64_t qemu_plugin_tb_vaddr(const struct tb *tb);
uintptr_t qemu_plugin_tb_n_insns(const struct tb *tb);
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, tb_translated callback);
void qemu_plugin_register_vcpu_tb_exec_cb(struct tb *tb, tb_executed callback, int flags, void *user);
void qemu_plugin_register_atexit_cb(plugin_id id, finished callback, void *user);
void qemu_plugin_outs(const char *text);

#define EXPORT __attribute__((visibility("default")))
#define MOST_LAYERS 4096

_Static_assert(sizeof(void *) == 8, "a block's address and its count share one pointer");

EXPORT int qemu_plugin_version = EC_PLUGIN_VERSION;
EXPORT int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv);

static uint64_t start = 1, finish = 1; /* odd: no block starts there */
static uint64_t layers[MOST_LAYERS];
static uint64_t counts[MOST_LAYERS + 1]; /* [0]: before the first layer */
static int layer_count, layer = -1;
static enum { WAITING, COUNTING, DONE } state;

static void executed(unsigned int vcpu, void *user)
{
    const uint64_t both = (uint64_t)(uintptr_t)user;
    const uint64_t address = both & 0xFFFFFFFFu;
    (void)vcpu;
    if (state == WAITING && address == start)
        state = COUNTING;
    else if (state == COUNTING && address == finish)
        state = DONE;
    if (state != COUNTING)
        return;
    for (int k = 0; k < layer_count; ++k)
        if (layers[k] == address)
            layer = k;
    counts[layer + 1] += both >> 32;
}

static void translated(plugin_id id, struct tb *tb)
{
    const uint64_t both = (uint64_t)qemu_plugin_tb_n_insns(tb) << 32 | (qemu_plugin_tb_vaddr(tb) & 0xFFFFFFFFu);
    (void)id;
    qemu_plugin_register_vcpu_tb_exec_cb(tb, executed, 0, (void *)(uintptr_t)both);
}

static void write_number(uint64_t number)
{
    char digits[24];
    int at = sizeof(digits) - 1;
    digits[at] = 0;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    qemu_plugin_outs(digits + at);
    qemu_plugin_outs(" ");
}

static void report(plugin_id id, void *user)
{
    (void)id, (void)user;
    qemu_plugin_outs("counted ");
    write_number(state == DONE);
    for (int k = 0; k <= layer_count; ++k)
        write_number(counts[k]);
    qemu_plugin_outs("\n");
}

static int argument(const char *text)
{
    uint64_t number = 0;
    const char *value = text;
    while (*value && *value != '=')
        ++value;
    if (*value == 0)
        return -1;
    for (++value; *value; ++value) {
        if (*value < '0' || *value > '9')
            return -1;
        number = number * 10 + (uint64_t)(*value - '0');
    }
    if (text[0] == 's')
        start = number;
    else if (text[0] == 'f')
        finish = number;
    else if (text[0] == 'l' && layer_count < MOST_LAYERS)
        layers[layer_count++] = number;
    else
        return -1;
    return 0;
}

int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
    (void)info;
    for (int k = 0; k < argc; ++k)
        if (argument(argv[k]))
            return -1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, report, 0);
    return 0;
}
