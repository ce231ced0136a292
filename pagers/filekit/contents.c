/* The contents of files as memory objects: what the kernel asks for and gives back. */
#include "pagers/filekit/filekit.h"

#include <errno.h>
#include <string.h>

struct answer {
	struct fk_node *node;
	uint64_t first, done; /* where it begins; all before `done` is answered */
	bool write;           /* the first page is wanted for writing */
	bool first_is_hole;   /* and has no space: not answered yet */
};

/* Space for a page that somebody is about to write: 0 or an errno. Beyond the end of the file there is none. */
static int make_room(struct fk_node *node, uint64_t offset)
{
	struct file_attributes attributes;
	int error = fk_volume->operations->get_attributes(fk_volume, node->inode, &attributes);

	if (error)
		return error;
	return offset < FK_ROUND_PAGE(attributes.size)
		       ? fk_volume->operations->allocate(fk_volume, node->inode, offset, FK_PAGE_SIZE, 0)
		       : EFBIG;
}

static void emit(void *context, uint64_t offset, void *pages, size_t size)
{
	struct answer *answer = context;
	struct pager_object *object = &answer->node->contents;

	if (pages == FK_HOLE && answer->write && offset == answer->first) {
		answer->first_is_hole = true;
		offset += FK_PAGE_SIZE;
		size -= FK_PAGE_SIZE;
	}
	if (pages == FK_HOLE && size)
		pager_zero_locked(object, offset, size, VM_PROT_WRITE);
	else if (!pages)
		pager_zero(object, offset, size);
	else if (pages == FK_HOLE)
		;
	else if (pager_supply(object, offset, (vm_address_t)(uintptr_t)pages, size, VM_PROT_NONE,
			 (boolean_t)fk_volume->precious) != KERN_SUCCESS)
		fk_pages_free(pages, size);
	answer->done = offset + size;
}

static void data_request(struct pager_object *object, vm_offset_t offset, vm_size_t length, vm_prot_t access)
{
	struct fk_node *node = FK_NODE_OF_CONTENTS(object);
	struct answer answer = {.node = node, .first = offset, .done = offset, .write = (access & VM_PROT_WRITE) != 0};
	struct file_attributes attributes;
	vm_size_t inside = 0;
	int error, full = 0;

	fk_lock();
	error = fk_volume->operations->get_attributes(fk_volume, node->inode, &attributes);
	if (!error && offset < FK_ROUND_PAGE(attributes.size)) {
		inside = FK_ROUND_PAGE(attributes.size) - offset;
		inside = inside < length ? inside : length;
		error = fk_volume->operations->read(fk_volume, node->inode, offset, inside, emit, &answer);
	}
	if (answer.first_is_hole)
		full = make_room(node, offset);
	/* Nobody has pages beyond the end. Said under the lock: before the file is made longer (fk_grown), or not at all. */
	if (!error && inside < length) {
		if (node->refused_to < offset + length)
			node->refused_to = offset + length;
		pager_error(object, offset + inside, length - inside, FILE_ERROR(EFBIG));
	}
	fk_unlock();
	if (full)
		pager_error_locked(object, offset, FK_PAGE_SIZE, FILE_ERROR(full), VM_PROT_WRITE);
	else if (answer.first_is_hole)
		pager_zero(object, offset, FK_PAGE_SIZE);
	if (error) {
		fk_log("inode %llu: the page at %llu cannot be read: %s", (unsigned long long)node->inode,
			(unsigned long long)answer.done, strerror(error));
		pager_error(object, answer.done, offset + length - answer.done, FILE_ERROR(error));
	}
}

static void data_return(struct pager_object *object, vm_offset_t offset, vm_address_t data, vm_size_t length,
	boolean_t dirty, boolean_t kernel_copy)
{
	struct fk_node *node = FK_NODE_OF_CONTENTS(object);
	bool kept = false;
	int error;

	(void)kernel_copy;
	if (!dirty && !fk_volume->precious) {
		fk_pages_free((void *)(uintptr_t)data, length);
		return;
	}
	fk_lock();
	error = fk_volume->operations->write(fk_volume, node->inode, offset, (void *)(uintptr_t)data, length);
	if (error)
		kept = fk_write_failed(node, error, length);
	else
		fk_volume->refused_pages = 0;
	fk_unlock();
	if (!error)
		return;
	fk_log("inode %llu: what was written at %llu cannot be saved%s: %s", (unsigned long long)node->inode,
		(unsigned long long)offset, kept ? "" : " and is lost", strerror(error));
	if (kept)
		pager_refuse(object, offset, data, length, FILE_ERROR(error));
	else
		fk_pages_free((void *)(uintptr_t)data, length);
}

/* A hole is about to be written. Without room the page goes, so that the write asks for it again and gets the error. */
static void data_unlock(struct pager_object *object, vm_offset_t offset, vm_size_t length, vm_prot_t access)
{
	struct fk_node *node = FK_NODE_OF_CONTENTS(object);
	int error = 0;
	uint64_t at;

	(void)access;
	fk_lock();
	for (at = offset; at < offset + length && !error; at += FK_PAGE_SIZE)
		error = make_room(node, at);
	fk_unlock();
	if (error)
		pager_drop(object, offset, length);
	else
		pager_unlock(object, offset, length);
}

static void terminate(struct pager_object *object)
{
	fk_contents_terminated(FK_NODE_OF_CONTENTS(object));
}

static void no_senders(struct pager_object *object)
{
	fk_contents_unheld(FK_NODE_OF_CONTENTS(object));
}

static void destroy(struct pager_object *object)
{
	fk_object_destroyed(FK_NODE_OF_CONTENTS(object));
}

const struct pager_ops fk_contents_ops = {
	.data_request = data_request,
	.data_return = data_return,
	.data_unlock = data_unlock,
	.terminate = terminate,
	.no_senders = no_senders,
	.destroy = destroy,
};

int fk_clean(struct fk_node *node, uint64_t offset, uint64_t length, bool flush)
{
	kern_return_t result;

	/* Precious pages have no other place that they could be written to. */
	if (!node->has_contents || !length || (fk_volume->precious && !flush))
		return 0;
	fk_unlock();
	result = pager_lock_range(
		&node->contents, offset, length, MEMORY_OBJECT_RETURN_DIRTY, flush, VM_PROT_NO_CHANGE);
	fk_lock();
	return FILE_ERRNO(result);
}

void fk_grown(struct fk_node *node, uint64_t old_size, uint64_t size)
{
	uint64_t first = FK_ROUND_PAGE(old_size), last = FK_ROUND_PAGE(size);

	if (last > node->refused_to)
		last = node->refused_to;
	if (first < last)
		pager_drop(&node->contents, first, last - first);
	if (last == node->refused_to)
		node->refused_to = 0;
}

/*
 * What cannot be written is the kernel's again, until a disk that takes nothing has refused so many pages one after the
 * other that they would fill the memory.
 */
bool fk_write_failed(struct fk_node *node, int error, uint64_t length)
{
	node->write_error = fk_volume->write_error = error;
	if (error == EROFS || error == EINVAL || error == ENOENT)
		return false;
	fk_volume->refused_pages += length / FK_PAGE_SIZE;
	return fk_volume->refused_pages <= FK_REFUSED_MAX;
}
