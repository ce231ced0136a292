/* Copies between a caller and the server: never waiting for a pager, but asking for a restart after a worker has. */
#include <mach/mach.h>
#include <string.h>

#include "call.h"
#include "proc.h"

static int copy_result(struct call *call, kern_return_t result, uint64_t address, uint64_t size, uint64_t done)
{
	if (result == KERN_SUCCESS)
		return 0;
	if (result != KERN_ABSENT)
		return -EFAULT;
	call->absent_address = address + done;
	call->absent_size = size - done;
	return CALL_ERROR_RESTART;
}

int copy_in(struct call *call, void *to, uint64_t from, size_t size)
{
	vm_size_t done = 0;

	if (size == 0)
		return 0;
	return copy_result(call,
		mach_vm_read_overwrite(process_task(call->process), from, size, to, VM_COPY_NOWAIT, &done), from, size,
		done);
}

int copy_out(struct call *call, uint64_t to, const void *from, size_t size)
{
	vm_size_t done = 0;

	if (size == 0)
		return 0;
	return copy_result(call, mach_vm_write(process_task(call->process), to, size, from, VM_COPY_NOWAIT, &done), to,
		size, done);
}

int copy_string(struct call *call, char *to, uint64_t from, size_t size)
{
	size_t have = 0;

	while (have < size) {
		/* Up to the end of the page: what lies beyond the string may not exist. */
		size_t part = VM_PAGE_SIZE - ((from + have) & VM_PAGE_MASK);
		const char *end;
		int error;

		if (part > size - have)
			part = size - have;
		error = copy_in(call, to + have, from + have, part);
		if (error != 0)
			return error;
		end = memchr(to + have, 0, part);
		if (end != NULL)
			return (int)(end - to);
		have += part;
	}
	return -ENAMETOOLONG;
}

static int task_result(kern_return_t result)
{
	return result == KERN_SUCCESS ? 0 : result == KERN_ABSENT ? CALL_ERROR_RESTART : -EFAULT;
}

int copy_in_task(mach_port_t task, void *to, uint64_t from, size_t size)
{
	return task_result(mach_vm_read_overwrite(task, from, size, to, VM_COPY_NOWAIT, NULL));
}

int copy_out_task(mach_port_t task, uint64_t to, const void *from, size_t size)
{
	return task_result(mach_vm_write(task, to, size, from, VM_COPY_NOWAIT, NULL));
}
