/* Extended attributes of files in memory: a list of each file. What they take counts as pages do. */
#include "pagers/ram/ram.h"

#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

struct ram_extended {
	struct ram_extended *next;
	size_t size;
	char *value; /* behind the name */
	char name[];
};

static size_t taken_by(const struct ram_extended *e)
{
	return sizeof(*e) + (size_t)(e->value - e->name) + e->size;
}

/* Where the attribute is linked, or would be. */
static struct ram_extended **find(struct ram_node *node, const char *name)
{
	struct ram_extended **link = &node->extended;

	while (*link && strcmp((*link)->name, name) != 0)
		link = &(*link)->next;
	return link;
}

static void drop(struct ram_volume *volume, struct ram_extended **link)
{
	struct ram_extended *old = *link;

	*link = old->next;
	volume->extended_bytes -= taken_by(old);
	free(old);
}

void ram_free_extended(struct ram_volume *volume, struct ram_node *node)
{
	while (node->extended)
		drop(volume, &node->extended);
}

int ram_get_extended(struct fk_volume *base, uint64_t inode, const char *name, char *value, size_t *size)
{
	struct ram_node *node = ram_find(inode);
	const struct ram_extended *e = node ? *find(node, name) : NULL;

	(void)base;
	if (!e)
		return node ? ENODATA : ESTALE;
	if (e->size > *size)
		return ERANGE;
	memcpy(value, e->value, e->size);
	*size = e->size;
	return 0;
}

int ram_set_extended(
	struct fk_volume *base, uint64_t inode, const char *name, const char *value, size_t size, unsigned flags)
{
	struct ram_volume *volume = (struct ram_volume *)base;
	const size_t name_size = strlen(name) + 1;
	struct ram_node *node = ram_find(inode);
	struct ram_extended **link, *made = NULL;

	if (!node || volume->stopped)
		return node ? EROFS : ESTALE;
	link = find(node, name);
	if (*link ? flags & XATTR_CREATE : !value || flags & XATTR_REPLACE)
		return *link ? EEXIST : ENODATA;
	if (value) {
		made = malloc(sizeof(*made) + name_size + size);
		if (!made)
			return ENOMEM;
		memcpy(made->name, name, name_size);
		made->value = made->name + name_size;
		made->size = size;
		memcpy(made->value, value, size);
		if (taken_by(made) > ram_bytes_left(volume)) {
			free(made);
			return ENOSPC;
		}
		volume->extended_bytes += taken_by(made);
	}
	if (*link)
		drop(volume, link);
	if (made) {
		made->next = *link;
		*link = made;
	}
	node->attributes.change_time = fk_now();
	return 0;
}

int ram_list_extended(struct fk_volume *base, uint64_t inode, char *names, size_t *size)
{
	struct ram_node *node = ram_find(inode);
	size_t used = 0;

	(void)base;
	if (!node)
		return ESTALE;
	for (const struct ram_extended *e = node->extended; e; e = e->next) {
		const size_t length = strlen(e->name) + 1;

		if (length > *size - used)
			return ERANGE;
		memcpy(names + used, e->name, length);
		used += length;
	}
	*size = used;
	return 0;
}
