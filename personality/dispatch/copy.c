/* Copies between a caller and the server: no thread waits for a pager; the call asks for a restart, or its fiber waits.
 */
#include <mach/mach.h>
#include <string.h>

#include "call/call.h"
#include "memory/mm.h"
#include "memory/paging.h"
#include "process/proc.h"

/* How much of a string is copied at first: few are longer. */
#define STRING_GUESS 128

int copy_absent(struct call *call, uint64_t address, uint64_t size, bool write)
{
	call->absent = true;
	call->absent_address = address;
	call->absent_size = size;
	call->absent_write = write;
	return CALL_ERROR_RESTART;
}

/*
 * A page is missing: what is there is copied once more, to learn how far that goes. (In the usual case the kernel need
 * not say how much it has copied.)
 */
static int missing(struct call *call, uint64_t address, uint64_t size, bool write, kern_return_t result, vm_size_t done)
{
	if (result == KERN_SUCCESS)
		return 0; /* it has come meanwhile */
	return result == KERN_ABSENT ? copy_absent(call, address + done, size - done, write) : -EFAULT;
}

static __attribute__((noinline)) int copy_in_missing(struct call *call, void *to, uint64_t from, size_t size)
{
	vm_size_t done = 0;
	kern_return_t result =
		task_copy_from(process_task(call->process), from, size, to, VM_COPY_NOWAIT, &done);

	return missing(call, from, size, false, result, done);
}

static __attribute__((noinline)) int copy_out_missing(struct call *call, uint64_t to, const void *from, size_t size)
{
	vm_size_t done = 0;
	kern_return_t result = task_copy_to(process_task(call->process), to, size, from, VM_COPY_NOWAIT, &done);

	return missing(call, to, size, true, result, done);
}

int copy_in(struct call *call, void *to, uint64_t from, size_t size)
{
	mach_port_t task = process_task(call->process);

	if (size == 0 || task_copy_from(task, from, size, to, VM_COPY_NOWAIT, NULL) == KERN_SUCCESS)
		return 0;
	return copy_in_missing(call, to, from, size);
}

int copy_out(struct call *call, uint64_t to, const void *from, size_t size)
{
	mach_port_t task = process_task(call->process);

	if (size == 0 || task_copy_to(task, to, size, from, VM_COPY_NOWAIT, NULL) == KERN_SUCCESS)
		return 0;
	return copy_out_missing(call, to, from, size);
}

/* How much is brought in at once. */
#define WAITING_CHUNK (64ull << 10)

int copy_out_waiting(mach_port_t task, uint64_t to, const void *from, size_t size)
{
	while (size > 0) {
		vm_size_t done = 0;
		kern_return_t result = task_copy_to(task, to, size, from, VM_COPY_NOWAIT, &done);

		if (result == KERN_SUCCESS)
			return 0;
		if (result != KERN_ABSENT)
			return -EFAULT;
		to += done;
		from = (const char *)from + done;
		size -= done;
		result = paging_bring(task, to, size < WAITING_CHUNK ? size : WAITING_CHUNK, true, NULL);
		if (result != KERN_SUCCESS)
			return result == KERN_RESOURCE_SHORTAGE ? -ENOMEM : -EFAULT;
	}
	return 0;
}

int copy_in_waiting(mach_port_t task, void *to, uint64_t from, size_t size)
{
	while (size > 0) {
		vm_size_t done = 0;
		kern_return_t result = task_copy_from(task, from, size, to, VM_COPY_NOWAIT, &done);

		if (result == KERN_SUCCESS)
			return 0;
		if (result != KERN_ABSENT)
			return -EFAULT;
		to = (char *)to + done;
		from += done;
		size -= done;
		result = paging_bring(task, from, size < WAITING_CHUNK ? size : WAITING_CHUNK, false, NULL);
		if (result != KERN_SUCCESS)
			return result == KERN_RESOURCE_SHORTAGE ? -ENOMEM : -EFAULT;
	}
	return 0;
}

int copy_string(struct call *call, char *to, uint64_t from, size_t size)
{
	size_t have = 0;

	while (have < size) {
		/* Up to the end of the page: what lies beyond the string may not exist. */
		size_t part = VM_PAGE_SIZE - ((from + have) & VM_PAGE_MASK);
		const char *end;
		int error;

		if (have == 0 && part > STRING_GUESS)
			part = STRING_GUESS;
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

int call_copy_struct(struct call *call, void *to, size_t size, uint64_t from, size_t given)
{
	char more[64];
	int error = copy_in(call, to, from, given < size ? given : size);

	if (given < size)
		memset((char *)to + given, 0, size - given);
	for (size_t at = size, part; at < given && error == 0; at += part) {
		part = given - at < sizeof more ? given - at : sizeof more;
		error = copy_in(call, more, from + at, part);
		for (size_t i = 0; i < part && error == 0; i++)
			error = more[i] != 0 ? -E2BIG : 0;
	}
	return error;
}

static int task_result(kern_return_t result)
{
	return result == KERN_SUCCESS ? 0 : result == KERN_ABSENT ? CALL_ERROR_RESTART : -EFAULT;
}

int copy_in_task(mach_port_t task, void *to, uint64_t from, size_t size)
{
	return task_result(task_copy_from(task, from, size, to, VM_COPY_NOWAIT, NULL));
}

int copy_out_task(mach_port_t task, uint64_t to, const void *from, size_t size)
{
	return task_result(task_copy_to(task, to, size, from, VM_COPY_NOWAIT, NULL));
}
