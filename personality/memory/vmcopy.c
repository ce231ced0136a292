/* Memory of another process: process_vm_readv, process_vm_writev, process_madvise, process_mrelease. */
#include <errno.h>
#include <mach/mach.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "file/file.h"
#include "memory/mm.h"
#include "memory/paging.h"
#include "process/proc.h"
#include "unix_server.h"

#define CHUNK (64u << 10) /* bytes on their way at once */

/*
 * Between memory of a task and the server's, waiting for pages that a pager has to bring, the lock released meanwhile;
 * the task's name must stay. *done: how far it got. 0, -EFAULT, -ENOMEM, -EINTR: the caller was killed.
 */
static int copy_waiting(mach_port_t task, uint64_t address, void *buffer, uint64_t size, bool write, uint64_t *done)
{
	*done = 0;
	while (*done < size) {
		vm_size_t part = 0;
		char *at = (char *)buffer + *done;
		kern_return_t result =
			write ? task_copy_to(task, address + *done, size - *done, at, VM_COPY_NOWAIT, &part)
			      : task_copy_from(task, address + *done, size - *done, at, VM_COPY_NOWAIT, &part);

		if (result == KERN_SUCCESS) {
			*done = size;
			return 0;
		}
		*done += part;
		if (result != KERN_ABSENT)
			return -EFAULT;
		result = paging_bring(task, address + *done, size - *done, write, NULL);
		if (result != KERN_SUCCESS)
			return result == KERN_ABORTED ? -EINTR : result == KERN_RESOURCE_SHORTAGE ? -ENOMEM : -EFAULT;
	}
	return 0;
}

/* A list of stretches of memory, and a place in it. */
struct stretches {
	struct io_segment *segment;
	uint64_t count, at;
	uint64_t into; /* bytes of the segment that are done */
	uint64_t total;
};

/* The caller's list. 0 or -errno; to be freed in any case. */
static int stretches_in(struct call *call, struct stretches *out, uint64_t vector, uint64_t count)
{
	int error;

	*out = (struct stretches){.count = count};
	if (count > IO_SEGMENTS_MAX)
		return -EINVAL;
	out->segment = malloc((count + 1) * sizeof out->segment[0]);
	if (out->segment == NULL)
		return -ENOMEM;
	error = copy_in(call, out->segment, vector, count * sizeof out->segment[0]);
	for (uint64_t i = 0; error == 0 && i < count; i++) {
		if ((int64_t)out->segment[i].size < 0)
			return -EINVAL;
		if (out->segment[i].size > IO_MAX - out->total)
			out->segment[i].size = IO_MAX - out->total;
		out->total += out->segment[i].size;
	}
	return error;
}

/* What is next, at most `most` bytes; 0: nothing. */
static uint64_t next(struct stretches *list, uint64_t most, uint64_t *address)
{
	uint64_t left;

	while (list->at < list->count && list->into == list->segment[list->at].size) {
		list->at++;
		list->into = 0;
	}
	if (list->at == list->count)
		return 0;
	*address = list->segment[list->at].address + list->into;
	left = list->segment[list->at].size - list->into;
	return left < most ? left : most;
}

/* Bytes of one list to the other's, as far as that goes. The number, or why it was none. */
static int64_t move(mach_port_t from_task, struct stretches *from, mach_port_t to_task, struct stretches *to)
{
	char *buffer = malloc(CHUNK);
	uint64_t from_address, to_address, size, moved = 0, got, put;
	int error = buffer == NULL ? -ENOMEM : 0;

	while (error == 0 && (size = next(from, CHUNK, &from_address)) > 0 &&
		(size = next(to, size, &to_address)) > 0) {
		int write_error;

		error = copy_waiting(from_task, from_address, buffer, size, false, &got);
		write_error = copy_waiting(to_task, to_address, buffer, got, true, &put);
		error = write_error != 0 ? write_error : error;
		from->into += put;
		to->into += put;
		moved += put;
	}
	free(buffer);
	return moved > 0 ? (int64_t)moved : error;
}

static int64_t transfer(struct call *call, int pid, struct stretches *local, struct stretches *remote, bool write)
{
	struct thread *thread = thread_find(pid);
	struct process *process = thread != NULL ? thread->process : process_find(pid);
	struct address_space *theirs, *ours = call->process->memory;
	int64_t result;

	if (local->total == 0 || remote->total == 0)
		return 0;
	if (process == NULL || process->memory == NULL)
		return -ESRCH;
	if (!process_may_attach(call->process, process))
		return -EPERM;
	/* They stay while pages are waited for: so do their names. */
	theirs = process->memory;
	theirs->references++;
	ours->references++;
	result = write ? move(ours->task, local, theirs->task, remote) : move(theirs->task, remote, ours->task, local);
	address_space_release(theirs);
	address_space_release(ours);
	return result;
}

static int64_t process_vm(struct call *call, int pid, uint64_t local_vector, uint64_t local_count,
	uint64_t remote_vector, uint64_t remote_count, uint64_t flags, bool write)
{
	struct stretches local, remote = {0};
	int64_t result = flags != 0 ? -EINVAL : 0;

	if (result != 0)
		return result;
	result = stretches_in(call, &local, local_vector, local_count);
	if (result == 0)
		result = stretches_in(call, &remote, remote_vector, remote_count);
	if (result == 0)
		result = transfer(call, pid, &local, &remote, write);
	free(local.segment);
	free(remote.segment);
	return result == CALL_ERROR_RESTART ? CALL_RESTART : result;
}

int64_t sys_process_vm_readv(uint64_t caller, int pid, uint64_t local, uint64_t local_count, uint64_t remote,
	uint64_t remote_count, uint64_t flags)
{
	return process_vm(call_of(caller), pid, local, local_count, remote, remote_count, flags, false);
}

int64_t sys_process_vm_writev(uint64_t caller, int pid, uint64_t local, uint64_t local_count, uint64_t remote,
	uint64_t remote_count, uint64_t flags)
{
	return process_vm(call_of(caller), pid, local, local_count, remote, remote_count, flags, true);
}

/* --- Advice. It is taken as it is for the caller's own memory: none of these changes what is there. */

/* Bytes of the list that are mapped, up to the first that are not; or the error of the first. */
static int64_t mapped(struct address_space *space, struct stretches *list)
{
	uint64_t address, size, done = 0;

	while ((size = next(list, IO_MAX, &address)) > 0) {
		int error = (address & VM_PAGE_MASK) != 0 || address > VM_MAX_ADDRESS || size > VM_MAX_ADDRESS - address
				    ? -EINVAL
			    : address_space_mapped(space, address, round_page(size)) < round_page(size) ? -ENOMEM
													: 0;

		if (error != 0)
			return done > 0 ? (int64_t)done : error;
		list->into += size;
		done += size;
	}
	return (int64_t)done;
}

int64_t sys_process_madvise(uint64_t caller, int fd, uint64_t vector, uint64_t count, int advice, unsigned flags)
{
	struct call *call = call_of(caller);
	struct stretches list;
	struct process *process;
	int64_t result;
	int error;

	if (flags != 0)
		return -EINVAL;
	result = stretches_in(call, &list, vector, count);
	process = result == 0 ? pidfd_process(call, fd, &error) : NULL;
	if (result == 0 && process == NULL)
		result = error;
	if (result == 0 && advice != MADV_COLD && advice != MADV_PAGEOUT && advice != MADV_WILLNEED)
		result = -EINVAL;
	if (result == 0 && process->memory == NULL)
		result = -ESRCH;
	if (result == 0 && (!process_may_inspect(call->process, process) || !capable(call->process, CAP_SYS_NICE)))
		result = -EPERM;
	if (result == 0)
		result = mapped(process->memory, &list);
	free(list.segment);
	return result == CALL_ERROR_RESTART ? CALL_RESTART : result;
}

/* What a process that is being ended has goes at once: there is nothing to hurry. */
int64_t sys_process_mrelease(uint64_t caller, int fd, unsigned flags)
{
	struct process *process;
	int error;

	if (flags != 0)
		return -EINVAL;
	process = pidfd_process(call_of(caller), fd, &error);
	if (process == NULL)
		return error;
	return process->memory == NULL ? -ESRCH : process->exiting ? 0 : -EINVAL;
}
