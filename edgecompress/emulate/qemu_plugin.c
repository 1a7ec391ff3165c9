/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* A QEMU plugin that counts the instructions executed inside one function, layer by layer. Arguments, as numbers:
 * start=<entry> finish=<return address> layer=<entry> layer=<entry> … It writes one line of counts when QEMU ends. */
#include "qemu_interface.h"

uint64_t qemu_plugin_tb_vaddr(const struct tb *tb);

#define MOST_LAYERS 4096

_Static_assert(sizeof(void *) == 8, "a block's address and its count share one pointer");

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
