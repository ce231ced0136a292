/* What the plugins of this folder use of QEMU's interface for them: the manual's "TCG Plugins", version 1. Debian has
 * no header of it. */
#ifndef TESTS_BENCH_QEMU_PLUGIN_H
#define TESTS_BENCH_QEMU_PLUGIN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_plugin_hwaddr;
typedef uint64_t plugin_id;
typedef uint32_t qemu_plugin_meminfo_t;
enum { INLINE_ADD_U64 = 0, NO_REGISTERS = 0, MEMORY_READ = 1, MEMORY_WRITE = 2, MEMORY_BOTH = 3 };

extern void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, void (*call)(plugin_id id, struct qemu_plugin_tb *tb));
extern void qemu_plugin_register_vcpu_insn_exec_inline(
	struct qemu_plugin_insn *insn, int operation, void *counter, uint64_t value);
extern void qemu_plugin_register_vcpu_insn_exec_cb(
	struct qemu_plugin_insn *insn, void (*call)(unsigned vcpu, void *data), int registers, void *data);
extern void qemu_plugin_register_vcpu_mem_inline(
	struct qemu_plugin_insn *insn, int which, int operation, void *counter, uint64_t value);
extern void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn,
	void (*call)(unsigned vcpu, qemu_plugin_meminfo_t info, uint64_t address, void *data), int registers, int which,
	void *data);
extern struct qemu_plugin_hwaddr *qemu_plugin_get_hwaddr(qemu_plugin_meminfo_t info, uint64_t address);
extern uint64_t qemu_plugin_hwaddr_phys_addr(const struct qemu_plugin_hwaddr *address);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
extern struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
extern const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
extern size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
extern uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
extern void *qemu_plugin_insn_haddr(const struct qemu_plugin_insn *insn);

EXPORT extern int qemu_plugin_version;
EXPORT int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv);

/* The marks of measure.h, xchg %bx, %bx and xchg %cx, %cx: no compiler makes them. */
static const unsigned char row_mark[] = {0x66, 0x87, 0xdb}, operation_mark[] = {0x66, 0x87, 0xc9};

static inline int is_mark(const struct qemu_plugin_insn *insn, const unsigned char mark[3])
{
	return qemu_plugin_insn_size(insn) == 3 && memcmp(qemu_plugin_insn_data(insn), mark, 3) == 0;
}

#endif
