/* Contents of file servers' files: space, size and time of what is read and written through contents.c. */
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

#define ALLOCATE_STEP_MAX                                                                                              \
	(1ull << 20)        /* space for a growing file is asked for ahead, as much as it has, up to this              \
			     */

static int get_object(struct file_node *node)
{
	mach_port_t port = node->port, object = MACH_PORT_NULL;
	kern_return_t result;

	if (node->contents.object != MACH_PORT_NULL)
		return 0;
	result = ASK(node->vnode.mount, file_memory_object(port, &object));
	if (result != KERN_SUCCESS)
		return -FILE_ERRNO(result);
	if (node->contents.object == MACH_PORT_NULL)
		node->contents.object = object;
	else
		mach_port_deallocate(mach_task_self(), object);
	return 0;
}

/* A mapping that reaches to `end`, with a user of the caller's. */
static int get_mapping(struct file_node *node, uint64_t end, struct file_mapping **out)
{
	int error = get_object(node);

	return error != 0 ? error
			  : contents_map(&node->contents, end, node->attributes.size, node->vnode.mount, out);
}

int64_t filefs_read_unlocked(struct vnode *vnode, struct io *io, uint64_t offset)
{
	return contents_read_unlocked(&file_node_of(vnode)->contents, io, offset);
}

/*
 * A read found no page. -EFAULT: of the caller's. 0: the file has been cut off there, or is longer again, and what is
 * there now is to be read; CALL_ERROR_RESTART: once that is done.
 */
static int cut_meanwhile(struct file_node *node, const struct io *io, uint32_t withdrawn)
{
	if (node->busy && io->done == 0)
		return call_wait_for(io->call, &node->busy_queue) == CALL_RESTART ? CALL_ERROR_RESTART : -ENOMEM;
	return node->busy || node->contents.withdrawn == withdrawn ? -EFAULT : 0;
}

int64_t filefs_read(struct vnode *vnode, struct io *io, uint64_t offset)
{
	struct file_node *node = file_node_of(vnode);
	file_attributes_t *attributes = &node->attributes;
	int error = 0;

	while (error == 0 && io->done < io->total && offset < attributes->size) {
		uint64_t size = io->total - io->done, before = io->done;
		uint32_t withdrawn = node->contents.withdrawn;
		struct file_mapping *mapping;

		if (size > attributes->size - offset)
			size = attributes->size - offset;
		if (size > CONTENTS_CHUNK)
			size = CONTENTS_CHUNK;
		error = get_mapping(node, offset + size, &mapping);
		if (error != 0)
			break;
		error = contents_copy(vnode, io, (char *)(uintptr_t)(mapping->address + offset), size, true);
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
	if (!node->busy)
		contents_publish(&node->contents, attributes->size);
	return contents_result(io, error);
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
		contents_withdraw(&node->contents);
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
			from = from & ~(CONTENTS_MAPPING_MIN - 1);
			to = round_page(file_size) < end + CONTENTS_MAPPING_MIN ? round_page(file_size) : end + CONTENTS_MAPPING_MIN;
		}
	}
	error = filefs_allocate(vnode, call, from, to - from, end);
	if (error == -ENOSPC && to > end)
		error = filefs_allocate(vnode, call, end - size, size, end);
	return error;
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
		error = size == 0 ? 0 : contents_limit(io, state->start, &size);
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

		if (size > CONTENTS_CHUNK)
			size = CONTENTS_CHUNK;
		contents_withdraw(&node->contents);
		error = contents_limit(io, at, &size);
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
		error = contents_copy(vnode, io, (char *)(uintptr_t)(mapping->address + at), size, false);
		file_mapping_release(mapping);
		mount_changed(vnode->mount);
		at += io->done - before;
		contents_withdraw(&node->contents);
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
	return contents_result(io, error);
}

int filefs_memory_object(struct vnode *vnode, mach_port_t *object)
{
	struct file_node *node = file_node_of(vnode);
	int error = VNODE_TYPE(vnode) == S_IFREG ? get_object(node) : -ENODEV;

	if (error != 0)
		return error;
	if (mach_port_mod_refs(mach_task_self(), node->contents.object, MACH_PORT_RIGHT_SEND, 1) != KERN_SUCCESS)
		return -EIO;
	*object = node->contents.object;
	return 0;
}
