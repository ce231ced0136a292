/* How much memory a process may map and lock: RLIMIT_AS, RLIMIT_DATA, RLIMIT_MEMLOCK; mlock and its kin. */
#include <mach/mach.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "memory/mm.h"
#include "memory/paging.h"
#include "process/proc.h"
#include "unix_server.h"

/* Bytes of a range that are mapped, or mapped and locked. */
static uint64_t count(struct address_space *space, uint64_t start, uint64_t end, bool locked)
{
	const struct vm_area *area = areas_behind(&space->areas, start);
	uint64_t bytes = 0;

	for (; area != NULL && area->start < end; area = area_above(&space->areas, area)) {
		uint64_t from = area->start > start ? area->start : start, to = area->end < end ? area->end : end;

		if (!locked || (area->flags & MAP_LOCKED))
			bytes += to - from;
	}
	return bytes;
}

uint64_t address_space_mapped(struct address_space *space, uint64_t address, uint64_t size)
{
	return count(space, address, address + size, false);
}

/* Whole pages count. */
static bool over(uint64_t used, uint64_t more, uint64_t limit)
{
	return limit != RLIM64_INFINITY && (used > trunc_page(limit) || more > trunc_page(limit) - used);
}

/* As on Linux no data at all means only what brk gives. */
static uint64_t data_limit(const struct process *process)
{
	const struct rlimit64 *limit = &process->limit[RLIMIT_DATA];

	return limit->rlim_cur == 0 ? limit->rlim_max : limit->rlim_cur;
}

int memory_may_have_data(const struct process *process, uint64_t more)
{
	return over(process->memory->data, more, data_limit(process)) ? -ENOMEM : 0;
}

int memory_may_begin(const struct process *process, const struct address_space *space)
{
	return over(space->size, 0, process->limit[RLIMIT_AS].rlim_cur) || over(space->data, 0, data_limit(process))
		       ? -ENOMEM
		       : 0;
}

/* 0, -EPERM: may lock nothing, -ENOMEM: not so much more. Root may lock what there is. */
static int may_lock(const struct process *process, uint64_t more)
{
	uint64_t limit = process->limit[RLIMIT_MEMLOCK].rlim_cur;

	if (capable(process, CAP_IPC_LOCK))
		return 0;
	if (limit == 0)
		return -EPERM;
	return over(process->memory->locked, more, limit) ? -ENOMEM : 0;
}

int memory_may_grow(const struct process *process, uint64_t more, int protection, int flags)
{
	int error = flags & MAP_LOCKED ? may_lock(process, more) : 0;

	if (error != 0)
		return error == -ENOMEM ? -EAGAIN : error;
	if (over(process->memory->size, more, process->limit[RLIMIT_AS].rlim_cur))
		return -ENOMEM;
	return (protection & PROT_WRITE) && !(flags & MAP_SHARED) ? memory_may_have_data(process, more) : 0;
}

/* --- Locking. What is locked is brought in and counted. Page-out may still take it, when there is swap. */

int memory_bring(struct call *call, uint64_t start, uint64_t end)
{
	kern_return_t result = KERN_SUCCESS;

	while (start < end && result == KERN_SUCCESS && call->process->memory != NULL) {
		const struct vm_area *area = address_space_area(call->process->memory, start);
		uint64_t piece;

		if (area == NULL)
			return -ENOMEM;
		piece = (area->end < end ? area->end : end) - start;
		/* Private memory gets its pages now; who only maps a file reads it. */
		if (area->protection != PROT_NONE)
			result = paging_bring(process_task(call->process), start, piece,
				area->protection & PROT_WRITE && !(area->flags & MAP_SHARED), NULL);
		start += piece;
	}
	return result == KERN_SUCCESS ? 0 : result == KERN_ABORTED ? -EINTR : -ENOMEM;
}

static int set_locked(struct call *call, struct vm_area *area, int locked)
{
	address_space_set_locked(call->process->memory, area, locked);
	return 0;
}

static int64_t lock_range(struct call *call, uint64_t address, uint64_t size, int locked, bool bring)
{
	struct address_space *space = call->process->memory;
	uint64_t start = trunc_page(address), bytes = round_page(size + (address - start));
	int error = 0;

	if (size + (address - start) < size || start + bytes < start)
		return -EINVAL;
	if (bytes < size) /* as Linux rounds */
		return 0;
	if (start > VM_MAX_ADDRESS || bytes > VM_MAX_ADDRESS - start)
		return -ENOMEM;
	if (locked)
		error = may_lock(call->process, bytes - count(space, start, start + bytes, true));
	if (error != 0 || bytes == 0)
		return error;
	error = (int)address_space_each(call, start, bytes, set_locked, locked);
	return error == 0 && bring ? memory_bring(call, start, start + bytes) : error;
}

int64_t sys_mlock(uint64_t caller, uint64_t address, uint64_t size)
{
	return lock_range(call_of(caller), address, size, MAP_LOCKED, true);
}

int64_t sys_mlock2(uint64_t caller, uint64_t address, uint64_t size, unsigned flags)
{
	return flags & ~(unsigned)MLOCK_ONFAULT
		       ? -EINVAL
		       : lock_range(call_of(caller), address, size, MAP_LOCKED, !(flags & MLOCK_ONFAULT));
}

int64_t sys_munlock(uint64_t caller, uint64_t address, uint64_t size)
{
	return lock_range(call_of(caller), address, size, 0, false);
}

/* Of all areas. */
static void set_all_locked(struct address_space *space, int locked)
{
	list_for_each (link, &space->areas.list)
		address_space_set_locked(space, list_entry(link, struct vm_area, link), locked);
}

/* Area by area, since there are others when the first have been brought. What cannot be brought is left. */
static int bring_all(struct call *call)
{
	const struct vm_area *area;
	uint64_t at = 0;

	while (call->process->memory != NULL && (area = areas_behind(&call->process->memory->areas, at)) != NULL) {
		const uint64_t start = area->start;

		at = area->end;
		if (memory_bring(call, start, at) == -EINTR)
			return -EINTR;
	}
	return 0;
}

int64_t sys_mlockall(uint64_t caller, unsigned flags)
{
	struct process *process = call_of(caller)->process;
	struct address_space *space = process->memory;
	int error;

	if (flags == 0 || (flags & ~(unsigned)(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) || flags == MCL_ONFAULT)
		return -EINVAL;
	error = may_lock(process, 0);
	if (error == -EPERM)
		return error;
	if ((flags & MCL_CURRENT) && !capable(process, CAP_IPC_LOCK) &&
		over(space->size, 0, process->limit[RLIMIT_MEMLOCK].rlim_cur))
		return -ENOMEM;
	space->lock_new = (flags & MCL_FUTURE) != 0;
	if (flags & MCL_CURRENT)
		set_all_locked(space, MAP_LOCKED);
	return flags & MCL_CURRENT && !(flags & MCL_ONFAULT) ? bring_all(call_of(caller)) : 0;
}

int64_t sys_munlockall(uint64_t caller)
{
	struct address_space *space = call_of(caller)->process->memory;

	space->lock_new = false;
	set_all_locked(space, 0);
	return 0;
}
