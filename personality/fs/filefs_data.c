/* Contents of files: the server maps their memory objects and copies once between the mapping and the caller. */
#include <errno.h>
#include <mach/mach.h>
#include <servers/file_user.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "fs/filefs.h"
#include "memory/mm.h"
#include "memory/paging.h"
#include "process/proc.h"
#include "process/signal.h"
#include "vfs/vfs_internal.h"

#define MAPPING_MIN        (64ull << 10)
#define MAPPING_DOUBLES_TO (64ull << 20) /* grows by doubling up to here, then by this much */
#define COPY_CHUNK         (1ull << 20)
#define BRING_CHUNK        (64ull << 10) /* of absent pages, at once */
#define ALLOCATE_STEP_MAX                                                                                              \
	(1ull << 20)        /* space for a growing file is asked for ahead, as much as it has, up to this              \
			     */
#define SIGNAL_FILE_SIZE 25 /* SIGXFSZ */

void file_mapping_release(struct file_mapping *mapping)
{
	/* Release, acquire: the last sees that all others have copied. */
	if (__atomic_sub_fetch(&mapping->users, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	vm_deallocate(mach_task_self(), mapping->address, mapping->size);
	free(mapping);
}

static int copy_errno(kern_return_t result)
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

static int get_object(struct file_node *node)
{
	mach_port_t port = node->port, object = MACH_PORT_NULL;
	kern_return_t result;

	if (node->object != MACH_PORT_NULL)
		return 0;
	result = ASK(node->vnode.mount, file_memory_object(port, &object));
	if (result != KERN_SUCCESS)
		return -FILE_ERRNO(result);
	if (node->object == MACH_PORT_NULL)
		node->object = object;
	else
		mach_port_deallocate(mach_task_self(), object);
	return 0;
}

/* A mapping that reaches to `end`, with a user of the caller's. */
static int get_mapping(struct file_node *node, uint64_t end, struct file_mapping **out)
{
	struct file_mapping *mapping = node->mapping, *made;
	uint64_t size = MAPPING_MIN;
	mach_port_t object;
	kern_return_t result;
	int error;

	if (mapping == NULL || mapping->size < end) {
		error = get_object(node);
		made = error == 0 ? calloc(1, sizeof *made) : NULL;
		if (made == NULL)
			return error != 0 ? error : -ENOMEM;
		if (end < node->attributes.size)
			end = node->attributes.size;
		while (size < end)
			size += size < MAPPING_DOUBLES_TO
					? size
					: (end - size + MAPPING_DOUBLES_TO - 1) & ~(MAPPING_DOUBLES_TO - 1);
		made->size = size;
		made->users = 1;
		object = node->object;
		result = paging_map(object, size, node->vnode.mount, &made->address);
		if (result != KERN_SUCCESS) {
			free(made);
			/* An improper capability is a memory object whose pager is dead. */
			error = copy_errno(result);
			return error == -EFAULT ? -ENOMEM : error;
		}
		mapping = node->mapping;
		if (mapping == NULL || mapping->size < made->size) {
			file_node_withdraw(node);
			node->mapping = made;
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
			return copy_errno(result);
		result = KERN_ABSENT;
	}
	return copy_errno(result);
}

/* The next `size` bytes between the caller and the mapping; io->done says how many were moved in any case. */
static int copy_bytes(struct vnode *vnode, struct io *io, char *memory, uint64_t size, bool out)
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

/* What a read or write returns after a piece of it came out as `error`. */
static int64_t io_result(const struct io *io, int error)
{
	if (error == CALL_ERROR_RESTART)
		return CALL_RESTART;
	return error != 0 && io->done == 0 ? error : (int64_t)io->done;
}

void file_node_withdraw(struct file_node *node)
{
	const bool published = node->readable != 0;

	lock_order_has(ORDER_SERVER);
	/* At once: who found it readable with the new count would not notice what is written from here on. */
	if (published)
		lock_take(&node->lock, ORDER_NODE);
	__atomic_store_n(&node->withdrawn, node->withdrawn + 1, __ATOMIC_RELAXED);
	node->readable = 0;
	if (published)
		lock_give(&node->lock, ORDER_NODE);
}

/* After a read with the server's lock. */
static void publish(struct file_node *node)
{
	if (node->readable != 0 || node->busy || node->mapping == NULL || node->mapping->size < node->attributes.size)
		return;
	lock_take(&node->lock, ORDER_NODE);
	node->readable = node->attributes.size;
	lock_give(&node->lock, ORDER_NODE);
}

int64_t filefs_read_unlocked(struct vnode *vnode, struct io *io, uint64_t offset)
{
	struct file_node *node = file_node_of(vnode);
	struct file_mapping *mapping = NULL;
	uint64_t size = 0;
	uint32_t withdrawn = 0;

	if (io->segments != 1)
		return CALL_NEEDS_LOCK;
	lock_take(&node->lock, ORDER_NODE);
	if (offset < node->readable) {
		size = node->readable - offset;
		mapping = node->mapping;
		withdrawn = node->withdrawn;
		__atomic_add_fetch(&mapping->users, 1, __ATOMIC_RELAXED);
	}
	lock_give(&node->lock, ORDER_NODE);
	if (mapping == NULL)
		return CALL_NEEDS_LOCK;
	if (size > io->total)
		size = io->total;
	/* A page that is not there, of the caller's or of the file, is brought in the other way. */
	if (size > COPY_CHUNK ||
		task_copy_to(process_task(io->call->process), io->segment->address, size,
			(const void *)(uintptr_t)(mapping->address + offset), VM_COPY_NOWAIT, NULL) != KERN_SUCCESS)
		size = UINT64_MAX;
	/* Release: this comes after the copy. Who changes what is copied has counted before. */
	file_mapping_release(mapping);
	if (__atomic_load_n(&node->withdrawn, __ATOMIC_RELAXED) != withdrawn)
		size = UINT64_MAX;
	return size == UINT64_MAX ? CALL_NEEDS_LOCK : (int64_t)size;
}

/*
 * A read found no page. -EFAULT: of the caller's. 0: the file has been cut off there, or is longer again, and what is
 * there now is to be read; CALL_ERROR_RESTART: once that is done.
 */
static int cut_meanwhile(struct file_node *node, const struct io *io, uint32_t withdrawn)
{
	if (node->busy && io->done == 0)
		return call_wait_for(io->call, &node->busy_queue) == CALL_RESTART ? CALL_ERROR_RESTART : -ENOMEM;
	return node->busy || node->withdrawn == withdrawn ? -EFAULT : 0;
}

int64_t filefs_read(struct vnode *vnode, struct io *io, uint64_t offset)
{
	struct file_node *node = file_node_of(vnode);
	file_attributes_t *attributes = &node->attributes;
	int error = 0;

	while (error == 0 && io->done < io->total && offset < attributes->size) {
		uint64_t size = io->total - io->done, before = io->done;
		uint32_t withdrawn = node->withdrawn;
		struct file_mapping *mapping;

		if (size > attributes->size - offset)
			size = attributes->size - offset;
		if (size > COPY_CHUNK)
			size = COPY_CHUNK;
		error = get_mapping(node, offset + size, &mapping);
		if (error != 0)
			break;
		error = copy_bytes(vnode, io, (char *)(uintptr_t)(mapping->address + offset), size, true);
		file_mapping_release(mapping);
		offset += io->done - before;
		if (error == -EFAULT && io->server == NULL)
			error = cut_meanwhile(node, io, withdrawn);
	}
	/* As often as is needed to tell whether it was read since it was written. */
	if (attributes->access_time <= attributes->modify_time && vnode_check_writable(vnode) == 0) {
		attributes->access_time = (int64_t)clock_realtime();
		node->times_dirty = true;
	}
	publish(node);
	return io_result(io, error);
}

static bool is_allocated(const struct file_node *node, uint64_t from, uint64_t to)
{
	return from >= node->allocated_from && to <= node->allocated_to;
}

int filefs_allocate(struct vnode *vnode, struct call *call, uint64_t offset, uint64_t length, uint64_t size)
{
	struct file_node *node = file_node_of(vnode);
	mach_port_t port = node->port;
	kern_return_t result;
	int error = file_node_begin(node, call);

	if (error != 0)
		return error;
	if (size < node->attributes.size)
		size = node->attributes.size;
	result = ASK(vnode->mount, file_allocate(port, offset, length, size));
	if (result == KERN_SUCCESS) {
		file_node_withdraw(node);
		if (node->attributes.size < size)
			node->attributes.size = size;
		if (node->allocated_to == 0 || offset > node->allocated_to || offset + length < node->allocated_from) {
			node->allocated_from = offset;
			node->allocated_to = offset + length;
		} else {
			if (offset < node->allocated_from)
				node->allocated_from = offset;
			if (offset + length > node->allocated_to)
				node->allocated_to = offset + length;
		}
		node->stale = true;
	}
	file_node_end(node);
	return -FILE_ERRNO(result);
}

int filefs_punch(struct vnode *vnode, struct call *call, uint64_t offset, uint64_t length)
{
	struct file_node *node = file_node_of(vnode);
	mach_port_t port = node->port;
	kern_return_t result;
	int error = file_node_begin(node, call);

	if (error != 0)
		return error;
	node->allocated_from = node->allocated_to = 0;
	result = ASK(vnode->mount, file_punch(port, offset, length));
	node->attributes.modify_time = node->attributes.change_time = (int64_t)clock_realtime();
	node->times_dirty = node->stale = true;
	mount_changed(vnode->mount);
	file_node_end(node);
	return -FILE_ERRNO(result);
}

int filefs_seek(struct vnode *vnode, uint64_t offset, bool data, uint64_t *found)
{
	mach_port_t port = file_node_of(vnode)->port;
	uint64_t at = 0;
	kern_return_t result = ASK(vnode->mount, file_seek(port, offset, data, &at));

	*found = at;
	return -FILE_ERRNO(result);
}

/* Makes room for a write of [from, from + size) and extends the file to its end. */
static int prepare(struct vnode *vnode, struct call *call, uint64_t from, uint64_t size)
{
	struct file_node *node = file_node_of(vnode);
	uint64_t end = from + size, file_size = node->attributes.size, to = end, step;
	int error;

	if (end <= file_size && is_allocated(node, from, end))
		return 0;
	if (!is_allocated(node, from, end)) {
		if (end > file_size) {
			step = file_size < ALLOCATE_STEP_MAX ? file_size : ALLOCATE_STEP_MAX;
			to = round_page(end + step);
		} else {
			from = from & ~(MAPPING_MIN - 1);
			to = round_page(file_size) < end + MAPPING_MIN ? round_page(file_size) : end + MAPPING_MIN;
		}
	}
	error = filefs_allocate(vnode, call, from, to - from, end);
	if (error == -ENOSPC && to > end)
		error = filefs_allocate(vnode, call, end - size, size, end);
	return error;
}

/* How much may be written at the offset: the process's limit. A write that has written something ends there quietly. */
static int limit_size(const struct io *io, uint64_t offset, uint64_t *size)
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

/*
 * Where an appending write began: it goes on there when it runs again. All of its range is taken at once, without
 * releasing the lock between looking at the size and the node's turn, so that others append behind it.
 */
struct append_state {
	uint64_t start, end; /* end: of what was taken, 0 when the disk had no room for all */
};

static int append_begin(struct vnode *vnode, struct io *io, uint64_t *offset)
{
	struct file_node *node = file_node_of(vnode);
	struct append_state *state = io->call->scratch;
	uint64_t size = io->total;
	int error;

	if (state == NULL && node->busy)
		return (int)(call_wait_for(io->call, &node->busy_queue) == CALL_RESTART ? CALL_ERROR_RESTART : -ENOMEM);
	if (state == NULL) {
		state = calloc(1, sizeof *state);
		if (state == NULL)
			return -ENOMEM;
		state->start = node->attributes.size;
		error = size == 0 ? 0 : limit_size(io, state->start, &size);
		if (error == 0 && size != 0) {
			error = prepare(vnode, io->call, state->start, size);
			if (error == 0)
				state->end = state->start + size;
		}
		if (error != 0 && error != -ENOSPC) {
			free(state);
			return error;
		}
		io->call->scratch = state;
	}
	*offset = state->start + io->done;
	return 0;
}

/* After an appending write that failed before its end: the file ends there, unless somebody has appended behind it. */
static void append_cut(struct file_node *node, struct call *call, uint64_t at)
{
	struct append_state *state = call->scratch;

	if (state == NULL || state->end != node->attributes.size || at >= state->end || node->busy)
		return;
	node->busy = true;
	file_node_set_size(node, at);
	file_node_end(node);
}

int64_t filefs_write(struct vnode *vnode, struct io *io, uint64_t *offset, bool append)
{
	struct file_node *node = file_node_of(vnode);
	struct call *call = io->call;
	int error = 0;
	uint64_t at;

	if (append)
		error = append_begin(vnode, io, offset);
	at = *offset;
	while (error == 0 && io->done < io->total) {
		uint64_t size = io->total - io->done, before = io->done, old_size = node->attributes.size;
		struct file_mapping *mapping;

		if (size > COPY_CHUNK)
			size = COPY_CHUNK;
		file_node_withdraw(node);
		error = limit_size(io, at, &size);
		if (error == 0)
			error = vnode_drop_set_id(call, vnode);
		if (error == 0)
			error = prepare(vnode, call, at, size);
		/* A disk that is nearly full takes what fits, page by page. */
		while (error == -ENOSPC && size > VM_PAGE_SIZE) {
			size = size > 2 * VM_PAGE_SIZE ? size / 2 : VM_PAGE_SIZE;
			error = prepare(vnode, call, at, size);
		}
		if (error == 0)
			error = get_mapping(node, at + size, &mapping);
		if (error != 0)
			break;
		error = copy_bytes(vnode, io, (char *)(uintptr_t)(mapping->address + at), size, false);
		file_mapping_release(mapping);
		mount_changed(vnode->mount);
		at += io->done - before;
		file_node_withdraw(node);
		node->attributes.modify_time = node->attributes.change_time = (int64_t)clock_realtime();
		node->times_dirty = true;
		if (error != 0 && error != CALL_ERROR_RESTART && at < node->attributes.size &&
			old_size < node->attributes.size && !node->busy) {
			/* Nothing came for the end that was made: the file is as long as what was written. */
			node->busy = true;
			file_node_set_size(node, at > old_size ? at : old_size);
			file_node_end(node);
		}
	}
	if (append && error != 0 && error != CALL_ERROR_RESTART)
		append_cut(node, call, at);
	return io_result(io, error);
}

int filefs_memory_object(struct vnode *vnode, mach_port_t *object)
{
	struct file_node *node = file_node_of(vnode);
	int error = VNODE_TYPE(vnode) == S_IFREG ? get_object(node) : -ENODEV;

	if (error != 0)
		return error;
	if (mach_port_mod_refs(mach_task_self(), node->object, MACH_PORT_RIGHT_SEND, 1) != KERN_SUCCESS)
		return -EIO;
	*object = node->object;
	return 0;
}
