/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* What every plugin for QEMU needs. No header of QEMU and no library: these few declarations are QEMU's documented
 * plugin interface. Included once, by the plugin's only source. */
#ifndef QEMU_INTERFACE_H
#define QEMU_INTERFACE_H

#include <stdint.h>

typedef uint64_t plugin_id;
struct tb;
typedef void (*tb_translated)(plugin_id id, struct tb *tb);
typedef void (*tb_executed)(unsigned int vcpu, void *user);
typedef void (*finished)(plugin_id id, void *user);

uintptr_t qemu_plugin_tb_n_insns(const struct tb *tb);
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, tb_translated callback);
void qemu_plugin_register_vcpu_tb_exec_cb(struct tb *tb, tb_executed callback, int flags, void *user);
void qemu_plugin_register_atexit_cb(plugin_id id, finished callback, void *user);
void qemu_plugin_outs(const char *text);

#define EXPORT __attribute__((visibility("default")))

EXPORT int qemu_plugin_version = EC_PLUGIN_VERSION;
EXPORT int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv);

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

#endif
