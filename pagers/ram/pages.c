/* The contents of files in memory: which pages exist, and those that the kernel has given back. */
#include "pagers/ram/ram.h"

#include <stdlib.h>
#include <string.h>

enum { SLOT_MASK = RAM_TABLE_SIZE - 1, TABLE_BYTES = RAM_TABLE_SIZE * sizeof(void *) };

static unsigned slot_of(uint64_t page, int level)
{
	return (unsigned)(page >> (level * RAM_TABLE_BITS)) & SLOT_MASK;
}

/* The leaf of a page; null when there is none (make: no memory). */
static void **leaf_of(struct ram_node *node, uint64_t page, bool make)
{
	void **table, *made;
	int level;

	if (!node->tree && make)
		node->tree = pk_pages_allocate(TABLE_BYTES);
	table = node->tree;
	for (level = RAM_LEVELS - 1; level > 0 && table; level--) {
		void **slot = &table[slot_of(page, level)];

		if (!*slot && make) {
			made = pk_pages_allocate(TABLE_BYTES);
			*slot = made;
		}
		table = *slot;
	}
	return table ? &table[slot_of(page, 0)] : NULL;
}

static void drop_leaf(struct ram_volume *volume, struct ram_node *node, void **leaf)
{
	if (!*leaf)
		return;
	if (*leaf != RAM_RESERVED)
		pk_pages_free(*leaf, FK_PAGE_SIZE);
	*leaf = NULL;
	node->pages--;
	volume->pages--;
}

/* Frees the pages of a table from `first` (counted from the table's start) on, and the tables below it that are all
 * freed. */
static void free_table(struct ram_volume *volume, struct ram_node *node, void **table, int level, uint64_t first)
{
	unsigned i, start = slot_of(first, level);

	for (i = start; i < RAM_TABLE_SIZE; i++) {
		uint64_t below = i == start ? first & ((1ull << (level * RAM_TABLE_BITS)) - 1) : 0;

		if (level == 0) {
			drop_leaf(volume, node, &table[i]);
		} else if (table[i]) {
			free_table(volume, node, table[i], level - 1, below);
			if (below == 0) {
				pk_pages_free(table[i], TABLE_BYTES);
				table[i] = NULL;
			}
		}
	}
}

void ram_free_pages(struct ram_volume *volume, struct ram_node *node, uint64_t first)
{
	if (!node->tree || first >= RAM_SIZE_LIMIT / FK_PAGE_SIZE)
		return;
	free_table(volume, node, node->tree, RAM_LEVELS - 1, first);
	if (first == 0) {
		pk_pages_free(node->tree, TABLE_BYTES);
		node->tree = NULL;
	}
}

static int find_regular(uint64_t inode, struct ram_node **node)
{
	*node = ram_find(inode);
	if (!*node)
		return ESTALE;
	return S_ISREG((*node)->attributes.mode) ? 0 : S_ISDIR((*node)->attributes.mode) ? EISDIR : EINVAL;
}

int ram_read(struct fk_volume *base, uint64_t inode, uint64_t offset, size_t length, fk_emit_t emit, void *context)
{
	struct ram_node *node;
	uint64_t end = offset + length, start = offset, size;
	void *kind = NULL;
	int error = find_regular(inode, &node);

	(void)base;
	if (error)
		return error;
	size = node->attributes.size;
	for (; offset < end; offset += FK_PAGE_SIZE) {
		void **leaf = offset < RAM_SIZE_LIMIT ? leaf_of(node, offset / FK_PAGE_SIZE, false) : NULL;
		char *page = leaf && *leaf != RAM_RESERVED && offset < size ? *leaf : NULL;
		void *zeros = leaf && *leaf ? NULL : FK_HOLE;

		/* Zeros of one kind go together. */
		if (start < offset && (page || zeros != kind)) {
			emit(context, start, kind, offset - start);
			start = offset;
		}
		kind = zeros;
		if (!page)
			continue;
		if (size - offset < FK_PAGE_SIZE)
			memset(page + (size - offset), 0, FK_PAGE_SIZE - (size - offset));
		*leaf = RAM_RESERVED;
		emit(context, offset, page, FK_PAGE_SIZE);
		start = offset + FK_PAGE_SIZE;
	}
	if (start < end)
		emit(context, start, kind, end - start);
	return 0;
}

/*
 * A returned page as one of our own. The kernel counts what it returned as being written until that memory is freed,
 * and keeps the object as long: so the bytes are copied. Without memory for that the page itself is kept.
 */
static void *keep(void *returned)
{
	void *page = pk_pages_allocate(FK_PAGE_SIZE);

	if (!page)
		return returned;
	memcpy(page, returned, FK_PAGE_SIZE);
	pk_pages_free(returned, FK_PAGE_SIZE);
	return page;
}

int ram_write(struct fk_volume *base, uint64_t inode, uint64_t offset, void *pages, size_t length)
{
	struct ram_node *node;
	size_t at;
	int error = find_regular(inode, &node);

	(void)base;
	for (at = 0; !error && at < length; at += FK_PAGE_SIZE) {
		char *page = (char *)pages + at;
		void **leaf = NULL;

		if (offset + at < node->attributes.size)
			leaf = leaf_of(node, (offset + at) / FK_PAGE_SIZE, false);
		/* A hole: it was locked against writing. */
		if (!leaf || !*leaf) {
			pk_pages_free(page, FK_PAGE_SIZE);
			continue;
		}
		if (*leaf != RAM_RESERVED)
			pk_pages_free(*leaf, FK_PAGE_SIZE);
		*leaf = keep(page);
	}
	return error;
}

int ram_allocate(struct fk_volume *base, uint64_t inode, uint64_t offset, uint64_t length, uint64_t size)
{
	struct ram_volume *volume = (struct ram_volume *)base;
	struct ram_node *node;
	uint64_t page, last, missing = 0;
	int error = find_regular(inode, &node);

	if (error)
		return error;
	if (volume->stopped)
		return EROFS;
	if (offset > RAM_SIZE_LIMIT || length > RAM_SIZE_LIMIT - offset || size > RAM_SIZE_LIMIT)
		return EFBIG;
	last = FK_ROUND_PAGE(offset + length) / FK_PAGE_SIZE;
	if (last - offset / FK_PAGE_SIZE > volume->page_limit)
		return ENOSPC;
	for (page = offset / FK_PAGE_SIZE; page < last; page++) {
		void **leaf = leaf_of(node, page, false);

		missing += !leaf || !*leaf;
	}
	if (missing && (volume->pages >= volume->page_limit || missing > volume->page_limit - volume->pages))
		return ENOSPC;
	for (page = offset / FK_PAGE_SIZE; page < last; page++) {
		void **leaf = leaf_of(node, page, true);

		if (!leaf)
			return ENOMEM;
		if (!*leaf) {
			*leaf = RAM_RESERVED;
			node->pages++;
			volume->pages++;
		}
	}
	if (size > node->attributes.size)
		node->attributes.size = size;
	return 0;
}

int ram_set_size(struct fk_volume *base, uint64_t inode, uint64_t size)
{
	struct ram_node *node;
	int error = find_regular(inode, &node);

	if (error)
		return error;
	if (((struct ram_volume *)base)->stopped)
		return EROFS;
	if (size > RAM_SIZE_LIMIT)
		return EFBIG;
	node->attributes.size = size;
	node->attributes.modify_time = node->attributes.change_time = fk_now();
	return 0;
}

int ram_trim(struct fk_volume *base, uint64_t inode, int shrunk)
{
	struct ram_node *node;
	uint64_t size, used;
	void **leaf;
	int error = find_regular(inode, &node);

	if (error)
		return error;
	size = node->attributes.size;
	used = size % FK_PAGE_SIZE;
	ram_free_pages((struct ram_volume *)base, node, FK_ROUND_PAGE(size) / FK_PAGE_SIZE);
	leaf = shrunk && used ? leaf_of(node, size / FK_PAGE_SIZE, false) : NULL;
	if (leaf && *leaf && *leaf != RAM_RESERVED)
		memset((char *)*leaf + used, 0, FK_PAGE_SIZE - used);
	return 0;
}
