/* The contents of files in memory: which pages exist, and those that the kernel has given back. */
#include "pagers/ram/ram.h"

#include <stdlib.h>
#include <string.h>

enum { SLOT_MASK = RAM_TABLE_SIZE - 1 };

struct table {
	void *slot[RAM_TABLE_SIZE];
};

static bool is_page(const void *leaf)
{
	return leaf && leaf != RAM_RESERVED && leaf != RAM_LENT;
}

/* Of a table so high above the leaves. */
static unsigned slot_of(uint64_t page, unsigned height)
{
	return (unsigned)(page >> ((height - 1) * RAM_TABLE_BITS)) & SLOT_MASK;
}

/* Whether a tree of the height has a leaf for the page. */
static bool reaches(unsigned height, uint64_t page)
{
	return page >> (height * RAM_TABLE_BITS) == 0;
}

/* Makes the tree so high that it reaches the page; false: no memory. */
static bool grow(struct ram_node *node, uint64_t page)
{
	while (!reaches(node->height, page)) {
		if (node->tree) {
			struct table *above = calloc(1, sizeof(*above));

			if (!above)
				return false;
			above->slot[0] = node->tree;
			node->tree = above;
		}
		node->height++;
	}
	return true;
}

/* The leaf of a page; null when there is none (make: no memory). */
static void **leaf_of(struct ram_node *node, uint64_t page, bool make)
{
	void **at = &node->tree;

	if (make ? !grow(node, page) : !reaches(node->height, page))
		return NULL;
	for (unsigned height = node->height; height > 0; height--) {
		struct table *table = *at;

		if (!table && make)
			*at = table = calloc(1, sizeof(*table));
		if (!table)
			return NULL;
		at = &table->slot[slot_of(page, height)];
	}
	return at;
}

static void drop_leaf(struct ram_volume *volume, struct ram_node *node, void **leaf)
{
	if (is_page(*leaf))
		pk_pages_free(*leaf, FK_PAGE_SIZE);
	*leaf = NULL;
	node->pages--;
	volume->pages--;
}

/* Pages that a tree of the height reaches. */
static uint64_t span(unsigned height)
{
	return 1ull << (height * RAM_TABLE_BITS);
}

/* Frees pages [first, end), counted from where the tree begins, and the tables of which all are freed. */
static void free_tree(
	struct ram_volume *volume, struct ram_node *node, void **tree, unsigned height, uint64_t first, uint64_t end)
{
	struct table *table = *tree;
	uint64_t below, at;

	if (!*tree || first >= end)
		return;
	if (height == 0) {
		drop_leaf(volume, node, tree);
		return;
	}
	below = span(height - 1);
	for (unsigned i = slot_of(first, height); i < RAM_TABLE_SIZE && (at = i * below) < end; i++)
		free_tree(volume, node, &table->slot[i], height - 1, first > at ? first - at : 0,
			end - at < below ? end - at : below);
	if (first == 0 && end >= span(height)) {
		free(table);
		*tree = NULL;
	}
}

void ram_free_pages(struct ram_volume *volume, struct ram_node *node, uint64_t first, uint64_t end)
{
	if (!reaches(node->height, first))
		return;
	free_tree(volume, node, &node->tree, node->height, first, end < span(node->height) ? end : span(node->height));
	if (!node->tree)
		node->height = 0;
}

/* From *page on, counted from where the tree begins: the first that is there, or is not. False: none, and *page is behind the tree. */
static bool seek_tree(void *tree, unsigned height, bool data, uint64_t *page)
{
	const struct table *table = tree;
	uint64_t below;

	if (height == 0 || !tree) {
		if ((tree && tree != RAM_RESERVED) == data)
			return true;
	} else {
		below = span(height - 1);
		for (unsigned i = slot_of(*page, height); i < RAM_TABLE_SIZE; i++) {
			uint64_t at = *page > i * below ? *page - i * below : 0;
			const bool found = seek_tree(table->slot[i], height - 1, data, &at);

			*page = i * below + at;
			if (found)
				return true;
		}
	}
	*page = span(height);
	return false;
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
		char *page = leaf && is_page(*leaf) && offset < size ? *leaf : NULL;
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
		*leaf = RAM_LENT;
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
		if (is_page(*leaf))
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
	if (missing > ram_bytes_left(volume) / FK_PAGE_SIZE)
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
	ram_free_pages((struct ram_volume *)base, node, FK_ROUND_PAGE(size) / FK_PAGE_SIZE, UINT64_MAX);
	leaf = shrunk && used ? leaf_of(node, size / FK_PAGE_SIZE, false) : NULL;
	if (leaf && is_page(*leaf))
		memset((char *)*leaf + used, 0, FK_PAGE_SIZE - used);
	return 0;
}

int ram_punch(struct fk_volume *base, uint64_t inode, uint64_t offset, uint64_t length)
{
	struct ram_node *node;
	int error = find_regular(inode, &node);

	if (error)
		return error;
	if (((struct ram_volume *)base)->stopped)
		return EROFS;
	ram_free_pages((struct ram_volume *)base, node, offset / FK_PAGE_SIZE, (offset + length) / FK_PAGE_SIZE);
	node->attributes.modify_time = node->attributes.change_time = fk_now();
	return 0;
}

int ram_seek(struct fk_volume *base, uint64_t inode, uint64_t offset, int data, uint64_t *found)
{
	uint64_t page = offset / FK_PAGE_SIZE, at = offset;
	struct ram_node *node;
	int error = find_regular(inode, &node);

	(void)base;
	if (error || offset >= node->attributes.size)
		return error == ESTALE ? error : ENXIO;
	if (reaches(node->height, page) && !seek_tree(node->tree, node->height, data, &page) && data)
		return ENXIO;
	if (!reaches(node->height, page) && data)
		return ENXIO;
	if (page * FK_PAGE_SIZE > at)
		at = page * FK_PAGE_SIZE;
	if (at >= node->attributes.size && data)
		return ENXIO;
	*found = at < node->attributes.size ? at : node->attributes.size;
	return 0;
}
