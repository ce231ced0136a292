/*
 * A plugin of QEMU's that counts expensive events between the marks of measure.h, from outside and so the same way in
 *every system: by the instructions that cause them. One line for each row:
 *
 *	events NUMBER OPERATIONS average KIND=N ... least KIND=N ...
 *
 * the average of all operations of the row, and the one operation that took the fewest instructions.
 * Arguments: out=FILE; bits=32 for a kernel of 32 bits; kernel=ADDRESS, where the kernel begins; lines=on counts cache
 *lines.
 */
#include <stdio.h>
#include <stdlib.h>

#include "qemu_plugin.h"

int qemu_plugin_version = 1;

/*
 * kernel, user: instructions, by where they lie. traps: system calls on purpose. page_faults: reads of CR2, which every
 * kernel does once for each. returns_slow: IRET, from a fault or an interrupt, or as the slow end of a system call.
 * cr3: loads of it, a switch of address space or a flush of the whole TLB; invlpg: flushes of a page. fpu: saves and
 * restores of the vector registers; cr0: writes of CR0 and CLTS, which guard them. msr: writes of machine-specific
 * registers. string_bytes: moved or filled by string instructions. lines: different lines of 64 bytes of memory that
 * were executed, read or written.
 */
#define KINDS(X)                                                                                                       \
	X(kernel)                                                                                                      \
	X(user) X(traps) X(page_faults) X(returns_slow) X(cr3) X(invlpg) X(fpu) X(cr0) X(swapgs) X(msr) X(atomics)     \
		X(port_io) X(halts) X(string_bytes) X(loads) X(stores) X(lines)
enum {
#define X(name) KIND_##name,
	KINDS(X)
#undef X
		KIND_COUNT
};
static const char *const kind_name[] = {
#define X(name) #name,
	KINDS(X)
#undef X
};

enum { LINE_BITS = 6, SETS_LOG = 18, SETS = 1 << SETS_LOG };

static uint64_t now[KIND_COUNT];
static uint64_t row_began[KIND_COUNT], operation_began[KIND_COUNT], least[KIND_COUNT];
static uint64_t operations, row;
static int inside, in_operation, bits = 64, count_lines;
static uint64_t kernel_begins = UINT64_C(1) << 63;
static FILE *out;

/* --- Lines of the cache that one operation touched: a table whose entries are valid in one operation. */

static struct {
	uint64_t line;
	uint64_t operation;
} touched[SETS];
static uint64_t operation_number = 1;

static void touch(uint64_t line)
{
	size_t at = (size_t)((line * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - SETS_LOG));

	for (int tries = 0; tries < 64; tries++, at = (at + 1) % SETS) {
		if (touched[at].operation != operation_number) {
			touched[at].operation = operation_number;
			touched[at].line = line;
			now[KIND_lines]++;
			return;
		}
		if (touched[at].line == line)
			return;
	}
	now[KIND_lines]++; /* so many that the table is full: counted as new */
}

static void on_memory(unsigned vcpu, qemu_plugin_meminfo_t info, uint64_t address, void *data)
{
	const struct qemu_plugin_hwaddr *physical;

	(void)vcpu;
	(void)data;
	if (!inside)
		return;
	physical = qemu_plugin_get_hwaddr(info, address);
	if (physical != NULL)
		touch(qemu_plugin_hwaddr_phys_addr(physical) >> LINE_BITS);
}

/* Code is known by where QEMU keeps the guest's memory: its lines never meet those of data, which are counted apart. */
static void on_code(unsigned vcpu, void *data)
{
	(void)vcpu;
	if (inside)
		touch((uint64_t)(uintptr_t)data | UINT64_C(1) << 63);
}

/* --- Rows. */

static void end_operation(void)
{
	uint64_t took = now[KIND_kernel] + now[KIND_user] - operation_began[KIND_kernel] - operation_began[KIND_user];

	if (operations == 1 || took < least[KIND_kernel] + least[KIND_user])
		for (int i = 0; i < KIND_COUNT; i++)
			least[i] = now[i] - operation_began[i];
}

static void at_operation(unsigned vcpu, void *data)
{
	(void)vcpu;
	(void)data;
	if (in_operation)
		end_operation();
	in_operation = 1;
	operations++;
	operation_number++;
	memcpy(operation_began, now, sizeof(now));
}

static void at_row(unsigned vcpu, void *data)
{
	(void)vcpu;
	(void)data;
	inside = !inside;
	if (inside) {
		operations = 0;
		in_operation = 0;
		operation_number++;
		memcpy(row_began, now, sizeof(now));
		return;
	}
	if (in_operation)
		end_operation();
	fprintf(out, "events %lu %lu average", (unsigned long)row++, (unsigned long)operations);
	for (int i = 0; i < KIND_COUNT && operations > 0; i++)
		fprintf(out, " %s=%.2f", kind_name[i], (double)(now[i] - row_began[i]) / (double)operations);
	fprintf(out, " least");
	for (int i = 0; i < KIND_COUNT && operations > 0; i++)
		fprintf(out, " %s=%lu", kind_name[i], (unsigned long)least[i]);
	fprintf(out, "\n");
	fflush(out);
}

/* --- What an instruction does: the opcode maps of the Intel SDM, volume 2, appendix A. */

struct decoded {
	int lock, repeat, wide, half; /* prefixes F0, F3, REX.W, 66 */
	unsigned opcode;              /* 0F xx as 0x0f00 + xx */
	unsigned reg, in_memory;      /* of the ModRM byte, if there is one */
	unsigned modrm;
};

static struct decoded decode(const unsigned char *code, size_t size)
{
	struct decoded d = {0};
	size_t i = 0;

	for (; i < size; i++) {
		if (code[i] == 0xf0)
			d.lock = 1;
		else if (code[i] == 0xf3)
			d.repeat = 1;
		else if (code[i] == 0x66)
			d.half = 1;
		else if (code[i] != 0xf2 && code[i] != 0x26 && code[i] != 0x2e && code[i] != 0x36 && code[i] != 0x3e &&
			 code[i] != 0x64 && code[i] != 0x65 && code[i] != 0x67)
			break;
	}
	if (bits == 64 && i < size && (code[i] & 0xf0) == 0x40)
		d.wide = (code[i++] & 8) != 0;
	if (i < size)
		d.opcode = code[i++];
	if (d.opcode == 0x0f && i < size)
		d.opcode = 0x0f00u + code[i++];
	d.modrm = i < size ? code[i] : 0;
	d.reg = (d.modrm >> 3) & 7;
	d.in_memory = i < size && d.modrm < 0xc0;
	return d;
}

static int saves_fpu(const struct decoded *d)
{
	if (d->opcode == 0x0fae) /* FXSAVE, FXRSTOR, XSAVE, XRSTOR, XSAVEOPT */
		return d->in_memory && (d->reg <= 1 || (d->reg >= 4 && d->reg <= 6));
	return d->opcode == 0x0fc7 && d->in_memory && d->reg >= 3 && d->reg <= 5; /* XRSTORS, XSAVEC, XSAVES */
}

static unsigned string_size(const struct decoded *d)
{
	switch (d->opcode) {
	case 0xa4:
	case 0xaa:
		return 1;
	case 0xa5:
	case 0xab:
		return d->wide ? 8 : d->half ? 2 : 4;
	default:
		return 0;
	}
}

/* The kind that an instruction counts for besides "kernel" or "user", or KIND_COUNT. */
static int kind_of(const struct decoded *d)
{
	switch (d->opcode) {
	case 0x0f05: /* SYSCALL */
	case 0x0f34: /* SYSENTER */
	case 0xcd:   /* INT n */
		return KIND_traps;
	case 0x9a: /* CALL far, no instruction of 64 bits */
		return bits == 32 ? KIND_traps : KIND_COUNT;
	case 0xcf:
		return KIND_returns_slow;
	case 0x0f20:
		return d->reg == 2 ? KIND_page_faults : KIND_COUNT;
	case 0x0f22:
		return d->reg == 3 ? KIND_cr3 : d->reg == 0 ? KIND_cr0 : KIND_COUNT;
	case 0x0f06: /* CLTS */
		return KIND_cr0;
	case 0x0f01:
		return d->modrm == 0xf8 && bits == 64 ? KIND_swapgs
		       : d->in_memory && d->reg == 7  ? KIND_invlpg
						      : KIND_COUNT;
	case 0x0f30:
		return KIND_msr;
	case 0xf4:
		return KIND_halts;
	case 0xe4:
	case 0xe5:
	case 0xe6:
	case 0xe7:
	case 0xec:
	case 0xed:
	case 0xee:
	case 0xef:
		return KIND_port_io;
	default:
		if (saves_fpu(d))
			return KIND_fpu;
		if (d->lock || ((d->opcode == 0x86 || d->opcode == 0x87) && d->in_memory))
			return KIND_atomics;
		return KIND_COUNT;
	}
}

static void translated(plugin_id id, struct qemu_plugin_tb *block)
{
	uintptr_t line = 0;

	(void)id;
	for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(block, i);
		struct decoded d = decode(qemu_plugin_insn_data(insn), qemu_plugin_insn_size(insn));
		uintptr_t place = (uintptr_t)qemu_plugin_insn_haddr(insn) >> LINE_BITS;
		int kind = kind_of(&d);

		if (is_mark(insn, row_mark))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, at_row, NO_REGISTERS, NULL);
		else if (is_mark(insn, operation_mark))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, at_operation, NO_REGISTERS, NULL);
		qemu_plugin_register_vcpu_insn_exec_inline(insn, INLINE_ADD_U64,
			&now[qemu_plugin_insn_vaddr(insn) >= kernel_begins ? KIND_kernel : KIND_user], 1);
		if (kind != KIND_COUNT)
			qemu_plugin_register_vcpu_insn_exec_inline(insn, INLINE_ADD_U64, &now[kind], 1);
		if (string_size(&d) != 0)
			qemu_plugin_register_vcpu_mem_inline(
				insn, MEMORY_WRITE, INLINE_ADD_U64, &now[KIND_string_bytes], string_size(&d));
		qemu_plugin_register_vcpu_mem_inline(insn, MEMORY_READ, INLINE_ADD_U64, &now[KIND_loads], 1);
		qemu_plugin_register_vcpu_mem_inline(insn, MEMORY_WRITE, INLINE_ADD_U64, &now[KIND_stores], 1);
		if (!count_lines)
			continue;
		qemu_plugin_register_vcpu_mem_cb(insn, on_memory, NO_REGISTERS, MEMORY_BOTH, NULL);
		if (place != line)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_code, NO_REGISTERS, (void *)place);
		line = place;
	}
}

int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
	(void)info;
	for (int i = 0; i < argc; i++) {
		if (strncmp(argv[i], "out=", 4) == 0)
			out = fopen(argv[i] + 4, "w");
		else if (strncmp(argv[i], "bits=", 5) == 0)
			bits = atoi(argv[i] + 5);
		else if (strncmp(argv[i], "kernel=", 7) == 0)
			kernel_begins = strtoull(argv[i] + 7, NULL, 0);
		else if (strncmp(argv[i], "lines=", 6) == 0)
			count_lines = strcmp(argv[i] + 6, "on") == 0;
		else
			return -1;
	}
	if (out == NULL)
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
