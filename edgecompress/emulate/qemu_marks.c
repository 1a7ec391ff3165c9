/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* A plugin for QEMU's user mode that counts the instructions between system calls of one number. Argument:
 * call=<number>. When QEMU ends it writes the counts between every two of these calls, in their order, in one line. */
#include "qemu_interface.h"

typedef void (*system_call)(plugin_id id, unsigned int vcpu, int64_t number, uint64_t a1, uint64_t a2, uint64_t a3,
                            uint64_t a4, uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8);

void qemu_plugin_register_vcpu_syscall_cb(plugin_id id, system_call callback);

#define MOST_MARKS 4096

static int64_t wanted = -1;
static uint64_t counted, marks[MOST_MARKS];
static int mark_count;

static void executed(unsigned int vcpu, void *user)
{
    (void)vcpu;
    __atomic_fetch_add(&counted, (uint64_t)(uintptr_t)user, __ATOMIC_RELAXED); /* several threads may run */
}

static void translated(plugin_id id, struct tb *tb)
{
    (void)id;
    qemu_plugin_register_vcpu_tb_exec_cb(tb, executed, 0, (void *)qemu_plugin_tb_n_insns(tb));
}

static void called(plugin_id id, unsigned int vcpu, int64_t number, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
                   uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8)
{
    (void)id, (void)vcpu, (void)a1, (void)a2, (void)a3, (void)a4, (void)a5, (void)a6, (void)a7, (void)a8;
    if (number == wanted && mark_count < MOST_MARKS)
        marks[mark_count++] = counted;
}

static void report(plugin_id id, void *user)
{
    (void)id, (void)user;
    qemu_plugin_outs("between ");
    for (int k = 1; k < mark_count; ++k)
        write_number(marks[k] - marks[k - 1]);
    qemu_plugin_outs("\n");
}

int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
    (void)info;
    if (argc != 1 || argv[0][0] != 'c')
        return -1;
    wanted = 0;
    for (const char *digit = argv[0] + sizeof("call=") - 1; *digit; ++digit)
        wanted = wanted * 10 + (*digit - '0');
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_vcpu_syscall_cb(id, called);
    qemu_plugin_register_atexit_cb(id, report, 0);
    return 0;
}
