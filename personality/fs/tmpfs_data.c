/* Contents of files in memory. */
#include <errno.h>
#include <mach/mach.h>
#include <string.h>

#include "base/user.h"
#include "fs/tmpfs.h"
#include "memory/mm.h"
#include "memory/paging.h"
#include "process/proc.h"
#include "vfs/vfs_internal.h"

#define SIZE_MOST    (1ull << 43) /* the kernel's limit of such memory */
#define MAPPED_MOST  512          /* files that stay mapped without being used */
#define ZEROS        (64u << 10)
#define TOUCH_AT_ONCE (1ull << 20)

static char zeros[ZEROS]; /* read only */
static struct list mapped = LIST_INITIALIZER(mapped);
static unsigned mapped_count;

/* Before a change and after it. */
static void withdraw(struct tmpfs_node *node)
{
	contents_withdraw(&node->contents);
	node->pages_known = false;
}

uint64_t tmpfs_pages(struct tmpfs_node *node)
{
	if (node->contents.object == MACH_PORT_NULL)
		return 0;
	/* Of what processes map only the kernel knows. */
	if (!node->pages_known || node->exact)
		node->pages_known = sized_memory_pages(node->contents.object, &node->pages) == KERN_SUCCESS;
	return node->pages;
}

int tmpfs_contents_make(struct tmpfs_node *node, mach_port_t account, uint64_t size)
{
	if (sized_memory_create(account, size, &node->contents.object) != KERN_SUCCESS)
		return -ENOMEM;
	node->object_size = size;
	return 0;
}

static void unmap(struct tmpfs_node *node)
{
	struct file_mapping *mapping = node->contents.mapping;

	list_remove(&node->mapped);
	mapped_count--;
	withdraw(node);
	node->contents.mapping = NULL;
	file_mapping_release(mapping);
}

void tmpfs_contents_end(struct tmpfs_node *node)
{
	if (node->contents.mapping != NULL)
		unmap(node);
	contents_end(&node->contents);
}

/* The kernel's size. 0 or -errno. */
static int resize(struct tmpfs_node *node, uint64_t size)
{
	kern_return_t result = sized_memory_set_size(node->contents.object, size);

	if (result != KERN_SUCCESS)
		return contents_errno(result);
	node->object_size = size;
	node->pages_known = false;
	return 0;
}

/* The memory reaches to `end`, which may be beyond the file's; unless it is mapped by processes it gets more at once. */
static int reach(struct tmpfs_node *node, uint64_t end)
{
	uint64_t size = CONTENTS_MAPPING_MIN;

	if (end > SIZE_MOST)
		return -EFBIG;
	if (node->contents.object != MACH_PORT_NULL && node->object_size >= end)
		return 0;
	if (node->exact)
		size = round_page(end);
	while (size < end)
		size *= 2;
	if (node->contents.object == MACH_PORT_NULL)
		return tmpfs_contents_make(node, tmpfs_of(node->vnode.mount)->account, size);
	return resize(node, size);
}

/* As contents_map; the memory reaches to `end`. */
static int map(struct tmpfs_node *node, uint64_t end, struct file_mapping **out)
{
	int error = contents_map(&node->contents, end, node->attributes.size, node->vnode.mount, out);

	if (error != 0)
		return error;
	if (list_empty(&node->mapped))
		mapped_count++;
	else
		list_remove(&node->mapped);
	list_append(&mapped, &node->mapped);
	while (mapped_count > MAPPED_MOST)
		unmap(list_entry(mapped.next, struct tmpfs_node, mapped));
	return 0;
}

/*
 * How many of the `size` bytes at the offset are alike: contents, or (*hole) none. Of a file that is not sparse all are
 * contents.
 */
static uint64_t stretch(const struct tmpfs_node *node, uint64_t offset, uint64_t size, bool *hole)
{
	vm_offset_t found = offset;

	*hole = node->contents.object == MACH_PORT_NULL;
	if (*hole || !node->sparse)
		return size;
	sized_memory_find(node->contents.object, offset, offset + size, TRUE, &found);
	*hole = found > offset;
	/* It is its page that is there. */
	if (!*hole)
		sized_memory_find(node->contents.object, offset, offset + size, FALSE, &found);
	return found - offset < size ? found - offset : size;
}

int64_t tmpfs_read_unlocked(struct vnode *vnode, struct io *io, uint64_t offset)
{
	return contents_read_unlocked(&tmpfs_node_of(vnode)->contents, io, offset);
}

int64_t tmpfs_read(struct vnode *vnode, struct io *io, uint64_t offset)
{
	struct tmpfs_node *node = tmpfs_node_of(vnode);
	file_attributes_t *attributes = &node->attributes;
	int error = 0;

	while (error == 0 && io->done < io->total && offset < attributes->size) {
		uint64_t size = io->total - io->done, before = io->done;
		struct file_mapping *mapping;
		bool hole;

		if (size > attributes->size - offset)
			size = attributes->size - offset;
		if (size > CONTENTS_CHUNK)
			size = CONTENTS_CHUNK;
		size = stretch(node, offset, size, &hole);
		if (hole) {
			error = contents_copy(vnode, io, zeros, size < ZEROS ? size : ZEROS, true);
		} else {
			error = map(node, offset + size, &mapping);
			if (error == 0) {
				error = contents_copy(
					vnode, io, (char *)(uintptr_t)(mapping->address + offset), size, true);
				file_mapping_release(mapping);
			}
		}
		offset += io->done - before;
		/* It was cut off while the lock was released: what there is now is read. */
		if (error == -EFAULT && offset >= attributes->size)
			error = 0;
	}
	/* As often as is needed to tell whether it was read since it was written. */
	if (attributes->access_time <= attributes->modify_time && vnode_check_writable(vnode) == 0)
		attributes->access_time = (int64_t)clock_realtime();
	if (!node->sparse)
		contents_publish(&node->contents, attributes->size);
	return contents_result(io, error);
}

/* The file ends at `size` (not beyond its end): its last page has zeros from there on, and what is behind is gone. */
static int cut(struct tmpfs_node *node, struct call *call, uint64_t size)
{
	const uint64_t page = trunc_page(size);
	struct file_mapping *mapping;
	bool hole = true;
	struct io io;
	int error = 0;

	withdraw(node);
	if (size != page)
		stretch(node, page, VM_PAGE_SIZE, &hole);
	if (!hole) {
		error = map(node, size, &mapping);
		if (error == 0) {
			io_init_server(&io, call, zeros, VM_PAGE_SIZE);
			error = contents_copy(&node->vnode, &io, (char *)(uintptr_t)(mapping->address + size),
				page + VM_PAGE_SIZE - size, false);
			file_mapping_release(mapping);
		}
	}
	if (error != 0)
		return error;
	withdraw(node);
	node->attributes.size = size;
	if (size == 0)
		node->sparse = false;
	return node->contents.object != MACH_PORT_NULL ? resize(node, round_page(size)) : 0;
}

/* The file ends at `end`, beyond its end; between the two is nothing. */
static int grow(struct tmpfs_node *node, uint64_t end)
{
	int error = end > SIZE_MOST ? -EFBIG : 0;

	if (error == 0 && node->exact)
		error = reach(node, end);
	if (error != 0)
		return error;
	withdraw(node);
	node->attributes.size = end;
	node->sparse = true;
	return 0;
}

int tmpfs_set_size(struct vnode *vnode, struct call *call, uint64_t size, bool space)
{
	struct tmpfs_node *node = tmpfs_node_of(vnode);
	int error;

	if (space && size == node->attributes.size)
		return node->contents.object != MACH_PORT_NULL ? resize(node, round_page(size)) : 0;
	error = size <= node->attributes.size ? cut(node, call, size) : grow(node, size);
	if (error == 0)
		tmpfs_node_changed(node);
	return error;
}

/* A copy found no page. Whether that was the file's, for which there is no room, and not the caller's. */
static bool has_no_room(const struct tmpfs_node *node, uint64_t offset)
{
	const struct user *user = user_of_memory(node);
	mach_port_t account = tmpfs_of(node->vnode.mount)->account;
	struct account_info info = {0};
	vm_offset_t found = 0;

	if (account == MACH_PORT_NULL && user != NULL)
		account = user->account.port;
	if (account == MACH_PORT_NULL || account_info(account, (uint64_t *)&info) != KERN_SUCCESS)
		return false;
	sized_memory_find(node->contents.object, offset, offset + 1, TRUE, &found);
	return info.pages >= info.pages_limit && found > offset;
}

/* `size` bytes at the offset, which the file is made to have first, so that others append behind them. */
static int write_part(struct tmpfs_node *node, struct io *io, uint64_t at, uint64_t size)
{
	const uint64_t old = node->attributes.size, end = at + size, before = io->done;
	struct file_mapping *mapping;
	int error = reach(node, end);

	if (error != 0)
		return error;
	withdraw(node);
	if (at > old)
		node->sparse = true;
	if (end > old)
		node->attributes.size = end;
	error = map(node, end, &mapping);
	if (error == 0) {
		error = contents_copy(&node->vnode, io, (char *)(uintptr_t)(mapping->address + at), size, false);
		file_mapping_release(mapping);
		if (error == -EFAULT && has_no_room(node, at + (io->done - before)))
			error = -ENOSPC;
	}
	withdraw(node);
	/* Nothing came for the end that was made: the file is as long as what was written. */
	if (error != 0 && end > old && node->attributes.size == end) {
		const uint64_t written = at + (io->done - before);

		node->attributes.size = io->done != before && written > old ? written : old;
		resize(node, round_page(node->attributes.size));
	}
	return error;
}

int64_t tmpfs_write(struct vnode *vnode, struct io *io, uint64_t *offset, bool append)
{
	struct tmpfs_node *node = tmpfs_node_of(vnode);
	int error = 0;
	uint64_t at;

	if (append)
		*offset = node->attributes.size;
	at = *offset;
	while (error == 0 && io->done < io->total) {
		uint64_t size = io->total - io->done, before = io->done;

		error = contents_limit(io, at, &size);
		if (error == 0)
			error = vnode_drop_set_id(io->call, vnode);
		if (error != 0)
			break;
		/* What is appended is taken at once. */
		if (!append && size > CONTENTS_CHUNK)
			size = CONTENTS_CHUNK;
		error = write_part(node, io, at, size);
		at += io->done - before;
		tmpfs_node_changed(node);
	}
	return contents_result(io, error);
}

int tmpfs_memory_object(struct vnode *vnode, mach_port_t *object)
{
	struct tmpfs_node *node = tmpfs_node_of(vnode);
	const uint64_t size = round_page(node->attributes.size);
	int error = 0;

	if (VNODE_TYPE(vnode) != S_IFREG)
		return -ENODEV;
	if (!node->exact) {
		if (node->contents.object == MACH_PORT_NULL)
			error = tmpfs_contents_make(node, tmpfs_of(vnode->mount)->account, size);
		else
			error = resize(node, size);
		if (error != 0)
			return error;
		node->exact = true;
	}
	if (mach_port_mod_refs(mach_task_self(), node->contents.object, MACH_PORT_RIGHT_SEND, 1) != KERN_SUCCESS)
		return -ENOMEM;
	*object = node->contents.object;
	return 0;
}

/* Fewer pages are left than the range lacks at least. */
static bool is_too_much(struct tmpfs_node *node, uint64_t pages)
{
	struct account_info info = {0};
	const uint64_t there = tmpfs_pages(node);

	if (tmpfs_of(node->vnode.mount)->account == MACH_PORT_NULL || pages <= there)
		return false;
	account_info(tmpfs_of(node->vnode.mount)->account, (uint64_t *)&info);
	return info.pages + (pages - there) > tmpfs_of(node->vnode.mount)->page_limit;
}

int tmpfs_allocate(struct vnode *vnode, struct call *call, uint64_t offset, uint64_t length, uint64_t size)
{
	struct tmpfs_node *node = tmpfs_node_of(vnode);
	uint64_t at = trunc_page(offset), end = round_page(offset + length);
	const uint64_t old = round_page(node->attributes.size);
	struct file_mapping *mapping = NULL;
	int error = 0;

	(void)call;
	if (end > SIZE_MOST)
		return -EFBIG;
	/* Beyond the end of what processes map there are no pages. */
	if (node->exact && end > round_page(size > node->attributes.size ? size : node->attributes.size))
		end = round_page(size > node->attributes.size ? size : node->attributes.size);
	if (end > at && is_too_much(node, (end - at) / VM_PAGE_SIZE))
		return -ENOSPC;
	if (end > at)
		error = reach(node, end);
	if (error == 0 && end > at)
		error = map(node, end, &mapping);
	if (error != 0)
		return error;
	while (error == 0 && at < end) {
		const uint64_t part = end - at < TOUCH_AT_ONCE ? end - at : TOUCH_AT_ONCE;

		error = contents_errno(
			paging_bring(mach_task_self(), mapping->address + at, part, true, vnode->mount));
		if (error == -EFAULT)
			error = -ENOSPC;
		at += part;
	}
	if (mapping != NULL)
		file_mapping_release(mapping);
	withdraw(node);
	if (error != 0)
		resize(node, old);
	else if (size > node->attributes.size)
		error = grow(node, size);
	tmpfs_node_changed(node);
	return error;
}

int tmpfs_punch(struct vnode *vnode, struct call *call, uint64_t offset, uint64_t length)
{
	struct tmpfs_node *node = tmpfs_node_of(vnode);

	(void)call;
	withdraw(node);
	node->sparse = true;
	tmpfs_node_changed(node);
	if (node->contents.object == MACH_PORT_NULL)
		return 0;
	return contents_errno(sized_memory_discard(node->contents.object, offset, length));
}

int tmpfs_seek(struct vnode *vnode, uint64_t offset, bool data, uint64_t *found)
{
	struct tmpfs_node *node = tmpfs_node_of(vnode);
	const uint64_t size = node->attributes.size;
	vm_offset_t at = data ? size : offset;

	if (node->contents.object != MACH_PORT_NULL)
		sized_memory_find(node->contents.object, offset, size, data, &at);
	if (at < offset)
		at = offset;
	if (data && at >= size)
		return -ENXIO;
	*found = at < size ? at : size;
	return 0;
}
