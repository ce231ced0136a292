/* Extended attributes of files in memory: a list of each file, on its writer's expense. */
#include <errno.h>
#include <string.h>
#include <sys/xattr.h>

#include "base/user.h"
#include "fs/tmpfs.h"

struct tmpfs_extended {
	struct tmpfs_extended *next;
	uint64_t size;
	char *value; /* behind the name */
	char name[];
};

/* Where the attribute is linked, or would be. */
static struct tmpfs_extended **find(struct tmpfs_node *node, const char *name)
{
	struct tmpfs_extended **link = &node->extended;

	while (*link != NULL && strcmp((*link)->name, name) != 0)
		link = &(*link)->next;
	return link;
}

static void drop(struct tmpfs_extended **link)
{
	struct tmpfs_extended *old = *link;

	*link = old->next;
	user_free(old);
}

void tmpfs_extended_end(struct tmpfs_node *node)
{
	while (node->extended != NULL)
		drop(&node->extended);
}

int tmpfs_get_extended(struct vnode *vnode, const char *name, char value[FILE_ENTRIES_SIZE])
{
	const struct tmpfs_extended *e = *find(tmpfs_node_of(vnode), name);

	if (e == NULL)
		return -ENODATA;
	memcpy(value, e->value, e->size);
	return (int)e->size;
}

int tmpfs_set_extended(struct vnode *vnode, const char *name, const char *value, uint64_t size, unsigned flags)
{
	struct tmpfs_node *node = tmpfs_node_of(vnode);
	struct tmpfs_extended **link = find(node, name), *made = NULL;
	const size_t name_size = strlen(name) + 1;

	if (*link != NULL ? flags & XATTR_CREATE : value == NULL || flags & XATTR_REPLACE)
		return *link != NULL ? -EEXIST : -ENODATA;
	if (value != NULL) {
		made = size <= FILE_ENTRIES_SIZE ? user_alloc(user_now(), sizeof *made + name_size + size) : NULL;
		if (made == NULL)
			return -ENOSPC;
		memcpy(made->name, name, name_size);
		made->value = made->name + name_size;
		made->size = size;
		memcpy(made->value, value, size);
	}
	if (*link != NULL)
		drop(link);
	if (made != NULL) {
		made->next = *link;
		*link = made;
	}
	node->attributes.change_time = (int64_t)clock_realtime();
	return 0;
}

int tmpfs_list_extended(struct vnode *vnode, char names[FILE_ENTRIES_SIZE])
{
	size_t used = 0;

	for (const struct tmpfs_extended *e = tmpfs_node_of(vnode)->extended; e != NULL; e = e->next) {
		const size_t length = strlen(e->name) + 1;

		if (length > FILE_ENTRIES_SIZE - used)
			return -ERANGE;
		memcpy(names + used, e->name, length);
		used += length;
	}
	return (int)used;
}
