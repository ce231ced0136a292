/* Contents of files: the server maps their memory objects and copies once between the mapping and the caller. */
#include "fs/contents.h"

#include <errno.h>
#include <mach/mach.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "file/file.h"
#include "file/vnode.h"
#include "memory/mm.h"
#include "memory/paging.h"
#include "process/proc.h"
#include "process/signal.h"

#define MAPPING_DOUBLES_TO (64ull << 20) /* grows by doubling up to here, then by this much */
#define BRING_CHUNK        (64ull << 10) /* of absent pages, at once */
#define SIGNAL_FILE_SIZE   25            /* SIGXFSZ */

void file_mapping_release(struct file_mapping *mapping)
{
	/* Release, acquire: the last sees that all others have copied. */
	if (__atomic_sub_fetch(&mapping->users, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	vm_deallocate(mach_task_self(), mapping->address, mapping->size);
	free(mapping);
}

int contents_errno(kern_return_t result)
{
	switch (result) {
	case KERN_SUCCESS:
		return 0;
	case KERN_MEMORY_ERROR:
	case KERN_MEMORY_FAILURE:
	case KERN_INVALID_CAPABILITY:
		return -EIO;
	case KERN_ABORTED: /* the caller is gone */
		return -EINTR;
	case KERN_RESOURCE_SHORTAGE:
		return -ENOMEM;
	case FILE_ERROR(EFBIG): /* a page beyond the end of a file: the caller's mapping of one */
		return -EFAULT;
	default:
		return (result & ~0xfff) == FILE_ERROR_BASE ? -FILE_ERRNO(result) : -EFAULT;
	}
}

int contents_map(struct contents *contents, uint64_t end, uint64_t size, struct mount *mount, struct file_mapping **out)
{
	struct file_mapping *mapping = contents->mapping, *made;
	uint64_t room = CONTENTS_MAPPING_MIN;
	kern_return_t result;
	int error;

	if (mapping == NULL || mapping->size < end) {
		made = calloc(1, sizeof *made);
		if (made == NULL)
			return -ENOMEM;
		if (end < size)
			end = size;
		while (room < end)
			room += room < MAPPING_DOUBLES_TO
					? room
					: (end - room + MAPPING_DOUBLES_TO - 1) & ~(MAPPING_DOUBLES_TO - 1);
		made->size = room;
		made->users = 1;
		result = paging_map(contents->object, room, mount, &made->address);
		if (result != KERN_SUCCESS) {
			free(made);
			/* An improper capability is a memory object whose pager is dead. */
			error = contents_errno(result);
			return error == -EFAULT ? -ENOMEM : error;
		}
		mapping = contents->mapping;
		if (mapping == NULL || mapping->size < made->size) {
			contents_withdraw(contents);
			contents->mapping = made;
			if (mapping != NULL)
				file_mapping_release(mapping);
			mapping = made;
		} else {
			file_mapping_release(made);
		}
	}
	__atomic_add_fetch(&mapping->users, 1, __ATOMIC_RELAXED);
	*out = mapping;
	return 0;
}

/* One copy between a task and the mapping, as far as the pages are there. */
static kern_return_t copy_piece(
	mach_port_t task, uint64_t address, char *memory, uint64_t size, bool out, vm_size_t *done)
{
	return out ? task_copy_to(task, address, size, memory, VM_COPY_NOWAIT, done)
		   : task_copy_from(task, address, size, memory, VM_COPY_NOWAIT, done);
}

/* Brings in what a copy of `size` bytes has missed, of which the first page counts. */
static kern_return_t bring(mach_port_t task, uint64_t address, uint64_t size, bool write, struct mount *mount)
{
	kern_return_t result = paging_bring(task, address, size < BRING_CHUNK ? size : BRING_CHUNK, write, mount);

	return result == KERN_SUCCESS || result == KERN_ABORTED ? result : paging_bring(task, address, 1, write, mount);
}

/*
 * All of it: what is absent is brought in, first of the caller's memory (of which a stranger's pager must not use up
 * those who wait for this mount), then of the contents. *done: moved in any case. 0 or -errno.
 */
static int copy_part(
	struct vnode *vnode, mach_port_t task, uint64_t address, char *memory, uint64_t size, bool out, uint64_t *done)
{
	/* Only a copy that fails has to tell how far it gets. */
	kern_return_t result = copy_piece(task, address, memory, size, out, NULL);

	*done = result == KERN_SUCCESS ? size : 0;
	while (result != KERN_SUCCESS) {
		vm_size_t moved = 0;

		result = copy_piece(task, address + *done, memory + *done, size - *done, out, &moved);
		*done = result == KERN_SUCCESS ? size : *done + moved;
		if (result != KERN_ABSENT)
			break;
		if (task != mach_task_self()) {
			result = bring(task, address + *done, size - *done, out, NULL);
			if (result != KERN_SUCCESS)
				return result == KERN_ABORTED ? -EINTR : -EFAULT;
		}
		result = bring(mach_task_self(), (uintptr_t)memory + *done, size - *done, !out, vnode->mount);
		if (result != KERN_SUCCESS)
			return contents_errno(result);
		result = KERN_ABSENT;
	}
	return contents_errno(result);
}

int contents_copy(struct vnode *vnode, struct io *io, char *memory, uint64_t size, bool out)
{
	mach_port_t task = io->server == NULL ? process_task(io->call->process) : mach_task_self();
	uint64_t skip = io->done, left = size;
	int error = 0;
	unsigned i;

	for (i = 0; left > 0 && error == 0 && (io->server != NULL || i < io->segments); i++) {
		uint64_t part = left, address = (uintptr_t)io->server + io->done, done;

		if (io->server == NULL) {
			part = io->segment[i].size;
			if (skip >= part) {
				skip -= part;
				continue;
			}
			address = io->segment[i].address + skip;
			part -= skip;
			skip = 0;
			if (part > left)
				part = left;
		}
		error = copy_part(vnode, task, address, memory, part, out, &done);
		io->done += done;
		memory += done;
		left -= done;
	}
	return error;
}

int64_t contents_result(const struct io *io, int error)
{
	if (error == CALL_ERROR_RESTART)
		return CALL_RESTART;
	return error != 0 && io->done == 0 ? error : (int64_t)io->done;
}

void contents_withdraw(struct contents *contents)
{
	const bool published = contents->readable != 0;

	lock_order_has(ORDER_SERVER);
	/* At once: who found it readable with the new count would not notice what is written from here on. */
	if (published)
		lock_take(&contents->lock, ORDER_NODE);
	__atomic_store_n(&contents->withdrawn, contents->withdrawn + 1, __ATOMIC_RELAXED);
	contents->readable = 0;
	if (published)
		lock_give(&contents->lock, ORDER_NODE);
}

void contents_publish(struct contents *contents, uint64_t size)
{
	if (contents->readable != 0 || contents->mapping == NULL || contents->mapping->size < size)
		return;
	lock_take(&contents->lock, ORDER_NODE);
	contents->readable = size;
	lock_give(&contents->lock, ORDER_NODE);
}

int64_t contents_read_unlocked(struct contents *contents, struct io *io, uint64_t offset)
{
	struct file_mapping *mapping = NULL;
	uint64_t size = 0;
	uint32_t withdrawn = 0;

	if (io->segments != 1)
		return CALL_NEEDS_LOCK;
	lock_take(&contents->lock, ORDER_NODE);
	if (offset < contents->readable) {
		size = contents->readable - offset;
		mapping = contents->mapping;
		withdrawn = contents->withdrawn;
		__atomic_add_fetch(&mapping->users, 1, __ATOMIC_RELAXED);
	}
	lock_give(&contents->lock, ORDER_NODE);
	if (mapping == NULL)
		return CALL_NEEDS_LOCK;
	if (size > io->total)
		size = io->total;
	/* A page that is not there, of the caller's or of the file, is brought in the other way. */
	if (size > CONTENTS_CHUNK ||
		task_copy_to(process_task(io->call->process), io->segment->address, size,
			(const void *)(uintptr_t)(mapping->address + offset), VM_COPY_NOWAIT, NULL) != KERN_SUCCESS)
		size = UINT64_MAX;
	/* Release: this comes after the copy. Who changes what is copied has counted before. */
	file_mapping_release(mapping);
	if (__atomic_load_n(&contents->withdrawn, __ATOMIC_RELAXED) != withdrawn)
		size = UINT64_MAX;
	return size == UINT64_MAX ? CALL_NEEDS_LOCK : (int64_t)size;
}

int contents_limit(const struct io *io, uint64_t offset, uint64_t *size)
{
	const struct call *call = io->call;
	uint64_t limit = call->process->limit[RLIMIT_FSIZE].rlim_cur;

	if (limit > INT64_MAX)
		limit = INT64_MAX;
	if (offset >= limit) {
		if (limit != INT64_MAX && io->done == 0)
			signal_thread(call->thread, SIGNAL_FILE_SIZE, NULL);
		return -EFBIG;
	}
	if (*size > limit - offset)
		*size = limit - offset;
	return 0;
}

void contents_end(struct contents *contents)
{
	if (contents->mapping != NULL)
		file_mapping_release(contents->mapping);
	if (contents->object != MACH_PORT_NULL)
		mach_port_deallocate(mach_task_self(), contents->object);
	contents->mapping = NULL;
	contents->object = MACH_PORT_NULL;
}
