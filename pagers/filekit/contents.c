/* The contents of files, on the pager kit: the backend's pages, under the volume's lock. */
#include "pagers/filekit/filekit.h"

#include <string.h>

#define BACKEND (fk_volume->operations)

static void begin(void *self)
{
	(void)self;
	fk_lock();
}

static void end(void *self)
{
	(void)self;
	fk_unlock();
}

static int size(void *self, uint64_t *size_of)
{
	struct file_attributes attributes;
	int error = BACKEND->get_attributes(fk_volume, ((struct fk_node *)self)->inode, &attributes);

	*size_of = error ? 0 : attributes.size;
	return error;
}

static void emit(void *context, uint64_t offset, void *pages, size_t length)
{
	pk_give(context, offset, pages, length);
}

static int answer(void *self, struct pk_answer *to, uint64_t offset, size_t length)
{
	return BACKEND->read(fk_volume, ((struct fk_node *)self)->inode, offset, length, emit, to);
}

static int take(void *self, uint64_t offset, void *pages, size_t length)
{
	const struct fk_node *node = self;
	const uint64_t from = node->punched_from > offset ? node->punched_from : offset;
	const uint64_t to = node->punched_to < offset + length ? node->punched_to : offset + length;
	int error;

	if (node->doomed || (from == offset && to == offset + length)) {
		pk_pages_free(pages, length);
		return 0;
	}
	if (from < to)
		memset((char *)pages + (from - offset), 0, to - from);
	error = BACKEND->write(fk_volume, ((struct fk_node *)self)->inode, offset, pages, length);

	if (error)
		fk_volume->write_error = error;
	return error;
}

/* A page at a time: what was made before one that has no place is kept. */
static int reserve(void *self, uint64_t offset, size_t length)
{
	int error = 0;

	for (uint64_t at = offset; at < offset + length && !error; at += FK_PAGE_SIZE)
		error = BACKEND->allocate(fk_volume, ((struct fk_node *)self)->inode, at, FK_PAGE_SIZE, 0);
	return error;
}

static void terminate(void *self)
{
	fk_contents_terminated(self);
}

static void no_senders(void *self)
{
	fk_contents_unheld(self);
}

static void destroy(void *self)
{
	fk_object_destroyed(self);
}

const struct pk_ops fk_contents_ops = {
	.begin = begin,
	.end = end,
	.size = size,
	.answer = answer,
	.take = take,
	.reserve = reserve,
	.terminate = terminate,
	.no_senders = no_senders,
	.destroy = destroy,
};

int fk_clean(struct fk_node *node, uint64_t offset, uint64_t length, bool flush)
{
	int error;

	if (!node->has_contents)
		return 0;
	fk_unlock();
	error = pk_clean(&node->contents, offset, length, flush);
	fk_lock();
	return error;
}
