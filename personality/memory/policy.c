/* Memory policies, as on a machine with one node, 0, where all memory is: kept and shown (set_mempolicy(2)). */
#include <errno.h>
#include <linux/mempolicy.h>
#include <mach/mach.h>

#include "memory/mm.h"
#include "process/proc.h"
#include "unix_server.h"

#define NODES_MAX 1024 /* bits of a mask that Linux looks at */
#define MODE_BITS (MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES)
#define KNOWN     (unsigned)(MPOL_MF_STRICT | MPOL_MF_MOVE | MPOL_MF_MOVE_ALL)

/* Whether node 0, or none, is among the nodes; others there may not be. */
static int take_nodes(struct call *call, uint64_t address, uint64_t count, bool *any)
{
	uint64_t word;
	int error = 0;

	*any = false;
	/* The highest bit that counts is one less than said. */
	if (count > 0)
		count--;
	if (count == 0 || address == 0)
		return 0;
	if (count > VM_PAGE_SIZE * 8)
		return -EINVAL;
	for (uint64_t at = 0; at < count && error == 0; at += 64) {
		error = copy_in(call, &word, address + at / 8, sizeof word);
		if (count - at < 64)
			word &= (1ull << (count - at)) - 1;
		if (error == 0 && at == 0)
			*any = (word & 1) != 0;
		if (error == 0 && at >= NODES_MAX && word != 0)
			error = -EINVAL;
		if (error == 0 && (at == 0 ? word & ~1ull : word) != 0 && !*any)
			error = -EINVAL;
	}
	return error;
}

/* A mode with its nodes. 0 or -EINVAL. */
static int check_mode(int mode, bool any)
{
	const int plain = mode & ~MODE_BITS;

	if ((mode & MODE_BITS) == MODE_BITS || plain < MPOL_DEFAULT || plain >= MPOL_MAX)
		return -EINVAL;
	if (plain == MPOL_DEFAULT || plain == MPOL_LOCAL)
		return any || mode != plain ? -EINVAL : 0;
	if (plain == MPOL_PREFERRED)
		return !any && mode != plain ? -EINVAL : 0;
	return any ? 0 : -EINVAL;
}

int64_t sys_set_mempolicy(uint64_t caller, int mode, uint64_t nodes, uint64_t count)
{
	struct call *call = call_of(caller);
	bool any;
	int error = (mode & ~MODE_BITS) < 0 || (mode & ~MODE_BITS) >= MPOL_MAX ? -EINVAL
									       : take_nodes(call, nodes, count, &any);

	if (error == 0)
		error = check_mode(mode, any);
	if (error != 0)
		return call_result(error);
	/* Preferring no node is to prefer where one is. */
	call->thread->memory_policy = mode == MPOL_PREFERRED && !any ? MPOL_LOCAL : mode;
	return 0;
}

int64_t sys_get_mempolicy(
	uint64_t caller, uint64_t mode, uint64_t nodes, uint64_t count, uint64_t address, unsigned flags)
{
	struct call *call = call_of(caller);
	int value = call->thread->memory_policy, error = 0;
	uint64_t mask = value != MPOL_DEFAULT && value != MPOL_LOCAL, zero = 0;

	if (nodes != 0 && count < 1)
		return -EINVAL;
	if (flags & ~(unsigned)(MPOL_F_NODE | MPOL_F_ADDR | MPOL_F_MEMS_ALLOWED))
		return -EINVAL;
	if (flags & MPOL_F_MEMS_ALLOWED) {
		if (flags & (MPOL_F_NODE | MPOL_F_ADDR))
			return -EINVAL;
		value = 0;
		mask = 1;
	} else if (flags & MPOL_F_ADDR) {
		/* Areas have no policies of their own. */
		if (address_space_area(call->process->memory, address) == NULL)
			return -EFAULT;
	} else if (address != 0) {
		return -EINVAL;
	}
	if (flags & MPOL_F_NODE) {
		if (!(flags & MPOL_F_ADDR) && (value & ~MODE_BITS) != MPOL_INTERLEAVE)
			return -EINVAL;
		value = 0;
	}
	if (mode != 0)
		error = copy_out(call, mode, &value, sizeof value);
	for (uint64_t at = 0; nodes != 0 && at < count && error == 0; at += 64) {
		error = copy_out(call, nodes + at / 8, at == 0 ? &mask : &zero, sizeof mask);
		if (at >= VM_PAGE_SIZE * 8)
			error = -EINVAL;
	}
	return call_result(error);
}

int64_t sys_mbind(
	uint64_t caller, uint64_t address, uint64_t size, uint64_t mode, uint64_t nodes, uint64_t count, unsigned flags)
{
	struct call *call = call_of(caller);
	struct address_space *space = call->process->memory;
	uint64_t end;
	bool any;
	int error = mode >= MODE_BITS * 2 || (mode & ~(uint64_t)MODE_BITS) >= MPOL_MAX
			    ? -EINVAL
			    : take_nodes(call, nodes, count, &any);

	if (error != 0)
		return call_result(error);
	if (flags & ~KNOWN)
		return -EINVAL;
	if (flags & MPOL_MF_MOVE_ALL && !capable(call->process, CAP_SYS_NICE))
		return -EPERM;
	if (address & VM_PAGE_MASK)
		return -EINVAL;
	size = round_page(size);
	end = address + size;
	if (end < address)
		return -EINVAL;
	if (end == address)
		return 0;
	error = check_mode((int)mode, any);
	for (uint64_t at = address; at < end && error == 0;) {
		const struct vm_area *area = address_space_area(space, at);

		error = area == NULL ? -EFAULT : 0;
		at = area == NULL ? end : area->end;
	}
	return error;
}

/* The process that others may move. */
static int find_moved(struct call *call, int pid, struct process **process)
{
	const struct thread *thread = pid == 0 ? call->thread : thread_find(pid);

	if (thread == NULL)
		return -ESRCH;
	*process = thread->process;
	return process_may_inspect(call->process, thread->process) ? 0 : -EPERM;
}

int64_t sys_migrate_pages(uint64_t caller, int pid, uint64_t count, uint64_t from, uint64_t to)
{
	struct call *call = call_of(caller);
	struct process *process;
	bool any;
	int error = take_nodes(call, from, count, &any);

	if (error == 0)
		error = take_nodes(call, to, count, &any);
	if (error == 0)
		error = find_moved(call, pid, &process);
	if (error == 0 && !any)
		error = -EINVAL;
	return call_result(error);
}

/* Of one page: the node that it is on, or -errno as the call says it. */
static int node_of(const struct process *process, uint64_t address)
{
	mach_msg_type_number_t count = VM_PAGE_QUERY_MAX;
	page_query_t pages;

	if (process->memory == NULL || address_space_area(process->memory, address) == NULL)
		return -EFAULT;
	if (vm_page_range_query(process_task(process), trunc_page(address), pages, &count) != KERN_SUCCESS)
		return -EFAULT;
	return pages[0] & VM_PAGE_QUERY_PAGE_PRESENT ? 0 : -ENOENT;
}

int64_t sys_move_pages(
	uint64_t caller, int pid, uint64_t count, uint64_t pages, uint64_t nodes, uint64_t status, unsigned flags)
{
	struct call *call = call_of(caller);
	struct process *process;
	int error;

	if (flags & ~(unsigned)(MPOL_MF_MOVE | MPOL_MF_MOVE_ALL))
		return -EINVAL;
	if (flags & MPOL_MF_MOVE_ALL && !capable(call->process, CAP_SYS_NICE))
		return -EPERM;
	error = find_moved(call, pid, &process);
	/* Page by page: how many have been answered is the call's progress. */
	for (; error == 0 && call->progress < count; call->progress++) {
		const uint64_t i = call->progress;
		uint64_t address;
		int node, result;

		error = copy_in(call, &address, pages + i * sizeof address, sizeof address);
		if (error == 0 && nodes != 0)
			error = copy_in(call, &node, nodes + i * sizeof node, sizeof node);
		if (error == 0 && nodes != 0 && node != 0)
			error = -ENODEV;
		if (error == 0) {
			result = node_of(process, address);
			error = copy_out(call, status + i * sizeof result, &result, sizeof result);
		}
	}
	return call_result(error);
}
