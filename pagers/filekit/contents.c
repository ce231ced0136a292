/* The contents of files as memory objects: what the kernel asks for and gives back. */
#include "pagers/filekit/filekit.h"

#include <string.h>

struct answer {
	struct fk_node *node;
	uint64_t done; /* all before this offset is answered */
};

static void emit(void *context, uint64_t offset, void *pages, size_t size)
{
	struct answer *answer = context;
	struct pager_object *object = &answer->node->contents;

	if (!pages)
		pager_zero(object, offset, size);
	else if (pager_supply(object, offset, (vm_address_t)(uintptr_t)pages, size, VM_PROT_NONE,
			 (boolean_t)fk_volume->precious) != KERN_SUCCESS)
		fk_pages_free(pages, size);
	answer->done = offset + size;
}

static void data_request(struct pager_object *object, vm_offset_t offset, vm_size_t length, vm_prot_t access)
{
	struct fk_node *node = FK_NODE_OF_CONTENTS(object);
	struct answer answer = {node, offset};
	int error;

	(void)access;
	fk_lock();
	error = fk_volume->operations->read(fk_volume, node->inode, offset, length, emit, &answer);
	fk_unlock();
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
	int error;

	(void)kernel_copy;
	if (!dirty && !fk_volume->precious) {
		fk_pages_free((void *)(uintptr_t)data, length);
		return;
	}
	fk_lock();
	error = fk_volume->operations->write(fk_volume, node->inode, offset, (void *)(uintptr_t)data, length);
	fk_unlock();
	if (error)
		fk_log("inode %llu: what was written at %llu is lost: %s", (unsigned long long)node->inode,
			(unsigned long long)offset, strerror(error));
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
	.terminate = terminate,
	.no_senders = no_senders,
	.destroy = destroy,
};

void fk_clean(struct fk_node *node, uint64_t offset, uint64_t length, bool flush)
{
	/* Precious pages have no other place that they could be written to. */
	if (!node->has_contents || !length || (fk_volume->precious && !flush))
		return;
	fk_unlock();
	pager_lock_range(&node->contents, offset, length, MEMORY_OBJECT_RETURN_DIRTY, flush, VM_PROT_NO_CHANGE);
	fk_lock();
}
