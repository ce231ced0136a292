/* Reading and writing bytes through a backend's pages, the way kernel, kit and Unix server do it together. */
#include "tests/host/files/model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct gather {
	char *bytes; /* of the whole range, pages */
	char *present;
	uint64_t start, next;
	bool gap;
};

static void emit(void *context, uint64_t offset, void *pages, size_t size)
{
	struct gather *g = context;

	if (pages == FK_HOLE)
		pages = NULL;
	if (offset != g->next || size % FK_PAGE_SIZE || (uintptr_t)pages % FK_PAGE_SIZE)
		g->gap = true;
	if (pages) {
		memcpy(g->bytes + (offset - g->start), pages, size);
		memset(g->present + (offset - g->start) / FK_PAGE_SIZE, 1, size / FK_PAGE_SIZE);
	}
	pk_pages_free(pages, size);
	g->next = offset + size;
}

static int put(struct fk_volume *volume, uint64_t inode, uint64_t offset, const char *bytes, size_t length)
{
	char *pages = pk_pages_allocate(length);

	memcpy(pages, bytes, length);
	return volume->operations->write(volume, inode, offset, pages, length);
}

/* The pages around a range. The caller frees g->bytes and g->present. */
static int get(struct fk_volume *volume, uint64_t inode, uint64_t offset, size_t length, struct gather *g)
{
	uint64_t end = FK_ROUND_PAGE(offset + length);
	int error;

	g->start = g->next = offset & ~(uint64_t)(FK_PAGE_SIZE - 1);
	g->bytes = calloc(1, end - g->start);
	g->present = calloc(1, (end - g->start) / FK_PAGE_SIZE);
	g->gap = false;
	error = volume->operations->read(volume, inode, g->start, end - g->start, emit, g);
	if (!error && (g->gap || g->next != end))
		error = EPROTO;
	return error;
}

int model_read(struct fk_volume *volume, uint64_t inode, uint64_t offset, size_t length, void *buffer)
{
	struct gather g;
	size_t i, pages;
	int error = get(volume, inode, offset, length, &g);

	if (!error)
		memcpy(buffer, g.bytes + (offset - g.start), length);
	pages = (g.next - g.start) / FK_PAGE_SIZE;
	for (i = 0; volume->precious && i < pages; i++)
		if (g.present[i])
			put(volume, inode, g.start + i * FK_PAGE_SIZE, g.bytes + i * FK_PAGE_SIZE, FK_PAGE_SIZE);
	free(g.bytes);
	free(g.present);
	return error;
}

int model_write(struct fk_volume *volume, uint64_t inode, uint64_t offset, const void *data, size_t length)
{
	struct gather g;
	int error = volume->operations->allocate(volume, inode, offset, length, offset + length);

	if (error)
		return error;
	error = get(volume, inode, offset, length, &g);
	if (!error) {
		memcpy(g.bytes + (offset - g.start), data, length);
		error = put(volume, inode, g.start, g.bytes, g.next - g.start);
	}
	free(g.bytes);
	free(g.present);
	return error;
}

int model_truncate(struct fk_volume *volume, uint64_t inode, uint64_t size)
{
	struct file_attributes old;
	int error = volume->operations->get_attributes(volume, inode, &old);

	if (!error)
		error = volume->operations->set_size(volume, inode, size);
	if (!error && size <= old.size)
		error = volume->operations->trim(volume, inode, size < old.size);
	return error;
}
