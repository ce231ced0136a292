/* Folders in memory: entries, and every change of names. */
#include <errno.h>
#include <string.h>

#include "base/user.h"
#include "fs/tmpfs.h"

#define LINKS_MAX   65000
#define ENTRY_BYTES 20 /* what a folder's size counts for an entry, as Linux does */
#define SLOTS_FEW   8

static uint64_t hash_of(const char *name)
{
	uint64_t hash = 0xcbf29ce484222325ull;

	while (*name != 0)
		hash = (hash ^ (unsigned char)*name++) * 0x100000001b3ull;
	return hash ^ hash >> 32;
}

static struct tmpfs_entry *find(const struct tmpfs_node *node, const char *name)
{
	struct table_link *link = table_find(&node->folder->names, hash_of(name));

	while (link != NULL && strcmp(table_entry(link, struct tmpfs_entry, link)->name, name) != 0) {
		const uint64_t key = link->key;

		do
			link = link->next;
		while (link != NULL && link->key != key);
	}
	return link != NULL ? table_entry(link, struct tmpfs_entry, link) : NULL;
}

bool tmpfs_folder_make(struct tmpfs_node *node)
{
	struct tmpfs_folder *folder = user_alloc(user_of_memory(node), sizeof *folder);

	if (folder == NULL)
		return false;
	folder->names = (struct table)TABLE_INITIALIZER(folder->names);
	folder->parent = node;
	folder->free = TMPFS_NO_SLOT;
	node->folder = folder;
	node->attributes.size = 2 * ENTRY_BYTES;
	return true;
}

void tmpfs_folder_end(struct tmpfs_node *node)
{
	if (node->folder == NULL)
		return;
	table_end(&node->folder->names);
	user_free(node->folder->slot);
	user_free(node->folder);
}

/* A place for one more entry; false: no memory. */
static bool take_slot(struct tmpfs_folder *folder, uint32_t *taken)
{
	if (folder->free != TMPFS_NO_SLOT) {
		*taken = folder->free;
		folder->free = (uint32_t)(folder->slot[*taken].next_free / 2);
		return true;
	}
	if (folder->slots == folder->room) {
		const uint32_t room = folder->room != 0 ? 2 * folder->room : SLOTS_FEW;
		union tmpfs_slot *slot = folder->slot != NULL
						 ? user_resize(folder->slot, room * sizeof *slot)
						 : user_alloc(user_of_memory(folder), room * sizeof *slot);

		if (slot == NULL)
			return false;
		folder->slot = slot;
		folder->room = room;
	}
	*taken = folder->slots++;
	return true;
}

static void give_slot(struct tmpfs_folder *folder, uint32_t slot)
{
	folder->slot[slot].next_free = 2 * (uint64_t)folder->free + 1;
	folder->free = slot;
	if (folder->names.count != 0)
		return;
	/* Nothing is in any. */
	user_free(folder->slot);
	folder->slot = NULL;
	folder->slots = folder->room = 0;
	folder->free = TMPFS_NO_SLOT;
}

/* False: no memory. */
static bool add(struct tmpfs_node *parent, const char *name, struct tmpfs_node *node)
{
	const size_t size = strlen(name) + 1;
	struct tmpfs_entry *entry = user_alloc(user_now(), sizeof *entry + size);

	if (entry == NULL || !take_slot(parent->folder, &entry->slot)) {
		user_free(entry);
		return false;
	}
	memcpy(entry->name, name, size);
	entry->node = node;
	parent->folder->slot[entry->slot].entry = (uintptr_t)entry;
	table_add(&parent->folder->names, &entry->link, hash_of(name));
	parent->attributes.size += ENTRY_BYTES;
	return true;
}

static void take_out(struct tmpfs_node *parent, struct tmpfs_entry *entry)
{
	table_remove(&parent->folder->names, &entry->link);
	give_slot(parent->folder, entry->slot);
	parent->attributes.size -= ENTRY_BYTES;
	user_free(entry);
}

/* A node has lost its name in the folder. */
static void lose_link(struct tmpfs_node *parent, struct tmpfs_node *node)
{
	if (tmpfs_is_folder(node)) {
		node->attributes.links = 0;
		parent->attributes.links--;
	} else {
		node->attributes.links--;
	}
	node->attributes.change_time = (int64_t)clock_realtime();
	if (node->attributes.links == 0 && node->vnode.references == 0)
		tmpfs_node_destroy(node);
}

struct tmpfs_node *tmpfs_folder_take(struct tmpfs_node *parent)
{
	struct tmpfs_folder *folder = parent->folder;
	struct tmpfs_node *node;

	if (folder->names.count == 0)
		return NULL;
	while (folder->slot[folder->slots - 1].entry % 2 != 0)
		folder->slots--; /* the list of free ones does not matter any more */
	node = ((struct tmpfs_entry *)(uintptr_t)folder->slot[folder->slots - 1].entry)->node;
	take_out(parent, (struct tmpfs_entry *)(uintptr_t)folder->slot[folder->slots - 1].entry);
	if (tmpfs_is_folder(node))
		node->attributes.links = 0;
	else
		node->attributes.links--;
	return node;
}

/* --- Operations. */

static int check_name(const char *name)
{
	return strlen(name) > FILE_NAME_LENGTH ? -ENAMETOOLONG : 0;
}

int tmpfs_look_up(struct vnode *vnode, const char *name, struct vnode **out)
{
	struct tmpfs_entry *entry;

	if (!tmpfs_is_folder(tmpfs_node_of(vnode)))
		return -ENOTDIR;
	if (check_name(name) != 0)
		return -ENAMETOOLONG;
	entry = find(tmpfs_node_of(vnode), name);
	if (entry == NULL)
		return -ENOENT;
	*out = tmpfs_node_use(entry->node);
	return 0;
}

/* May the name be added? */
static int check_new(struct tmpfs_node *parent, const char *name)
{
	if (check_name(name) != 0)
		return -ENAMETOOLONG;
	if (find(parent, name) != NULL)
		return -EEXIST;
	return parent->attributes.links == 0 ? -ENOENT : 0;
}

/* Puts a new node, or drops it when there is no memory for its name. */
static int enter(struct tmpfs_node *parent, const char *name, struct tmpfs_node *node)
{
	if (!add(parent, name, node)) {
		tmpfs_node_destroy(node);
		return -ENOSPC;
	}
	node->attributes.links = 1;
	if (tmpfs_is_folder(node)) {
		node->attributes.links = 2;
		node->folder->parent = parent;
		parent->attributes.links++;
	}
	tmpfs_node_changed(parent);
	return 0;
}

int tmpfs_create(struct vnode *directory, const char *name, unsigned mode, uint64_t uid, uint64_t gid, uint64_t device,
	struct vnode **out)
{
	struct tmpfs_node *parent = tmpfs_node_of(directory), *node;
	int error = name[0] != 0 ? check_new(parent, name) : 0;

	if (error != 0)
		return error;
	node = tmpfs_node_make(directory->mount, mode, uid, gid);
	if (node == NULL)
		return -ENOSPC;
	if (S_ISCHR(mode) || S_ISBLK(mode))
		node->attributes.device = node->vnode.device = device;
	error = name[0] != 0 ? enter(parent, name, node) : 0;
	if (error == 0)
		*out = tmpfs_node_use(node);
	return error;
}

int tmpfs_symlink(struct vnode *directory, const char *name, const char *target, uint64_t uid, uint64_t gid)
{
	struct tmpfs_node *parent = tmpfs_node_of(directory), *node;
	const size_t size = strlen(target) + 1;
	int error = check_new(parent, name);

	if (error != 0)
		return error;
	node = tmpfs_node_make(directory->mount, S_IFLNK | 0777, uid, gid);
	if (node == NULL)
		return -ENOSPC;
	node->target = user_alloc(user_now(), size);
	if (node->target == NULL) {
		tmpfs_node_destroy(node);
		return -ENOSPC;
	}
	memcpy(node->target, target, size);
	node->attributes.size = size - 1;
	return enter(parent, name, node);
}

int tmpfs_link(struct vnode *vnode, struct vnode *directory, const char *name)
{
	struct tmpfs_node *parent = tmpfs_node_of(directory), *node = tmpfs_node_of(vnode);
	int error = check_new(parent, name);

	if (error != 0)
		return error;
	if (tmpfs_is_folder(node))
		return -EPERM;
	if (node->attributes.links >= LINKS_MAX)
		return -EMLINK;
	if (!add(parent, name, node))
		return -ENOSPC;
	node->attributes.links++;
	node->attributes.change_time = (int64_t)clock_realtime();
	tmpfs_node_changed(parent);
	return 0;
}

static bool is_empty(const struct tmpfs_node *node)
{
	return !tmpfs_is_folder(node) || node->folder->names.count == 0;
}

int tmpfs_unlink(struct vnode *directory, const char *name, bool is_directory)
{
	struct tmpfs_node *parent = tmpfs_node_of(directory), *node;
	struct tmpfs_entry *entry = find(parent, name);

	if (entry == NULL)
		return -ENOENT;
	node = entry->node;
	if (is_directory != tmpfs_is_folder(node))
		return is_directory ? -ENOTDIR : -EISDIR;
	if (!is_empty(node))
		return -ENOTEMPTY;
	take_out(parent, entry);
	tmpfs_node_changed(parent);
	lose_link(parent, node);
	return 0;
}

/* Is `node` the folder, or above it? */
static bool is_above(const struct tmpfs_node *node, const struct tmpfs_node *folder)
{
	while (folder != node && folder->folder->parent != folder)
		folder = folder->folder->parent;
	return folder == node;
}

static void moved(struct tmpfs_node *node, struct tmpfs_node *to, const char *name)
{
	if (tmpfs_is_folder(node) && node->folder->parent != to) {
		node->folder->parent->attributes.links--;
		to->attributes.links++;
		node->folder->parent = to;
	}
	node->attributes.change_time = (int64_t)clock_realtime();
	if (node->vnode.references != 0)
		vnode_set_place(&node->vnode, &to->vnode, name);
}

static int exchange(struct tmpfs_node *parent, struct tmpfs_entry *from, struct tmpfs_node *to_parent,
	struct tmpfs_entry *to)
{
	struct tmpfs_node *node = from->node;

	if (tmpfs_is_folder(to->node) && is_above(to->node, parent))
		return -EINVAL;
	from->node = to->node;
	to->node = node;
	moved(from->node, parent, from->name);
	moved(to->node, to_parent, to->name);
	return 0;
}

static int move(struct tmpfs_node *parent, struct tmpfs_entry *from, struct tmpfs_node *to_parent, const char *name,
	struct tmpfs_entry *to)
{
	struct tmpfs_node *node = from->node, *old = to != NULL ? to->node : NULL;

	if (old != NULL && tmpfs_is_folder(node) != tmpfs_is_folder(old))
		return tmpfs_is_folder(node) ? -ENOTDIR : -EISDIR;
	if (old != NULL && !is_empty(old))
		return -ENOTEMPTY;
	if (to != NULL)
		to->node = node;
	else if (!add(to_parent, name, node))
		return -ENOSPC;
	take_out(parent, from);
	moved(node, to_parent, name);
	if (old != NULL)
		lose_link(to_parent, old);
	return 0;
}

int tmpfs_rename(struct vnode *directory, const char *name, struct vnode *to_directory, const char *to_name, unsigned flags)
{
	struct tmpfs_node *parent = tmpfs_node_of(directory), *to_parent = tmpfs_node_of(to_directory);
	struct tmpfs_entry *from = find(parent, name), *to = find(to_parent, to_name);
	int error;

	if (flags & ~(unsigned)(FILE_RENAME_NOREPLACE | FILE_RENAME_EXCHANGE) ||
		flags == (FILE_RENAME_NOREPLACE | FILE_RENAME_EXCHANGE))
		return -EINVAL;
	if (check_name(to_name) != 0)
		return -ENAMETOOLONG;
	if (from == NULL || to_parent->attributes.links == 0 || (to == NULL && flags & FILE_RENAME_EXCHANGE))
		return -ENOENT;
	if (to != NULL && flags & FILE_RENAME_NOREPLACE)
		return -EEXIST;
	if (to != NULL && to->node == from->node)
		return 0;
	if (tmpfs_is_folder(from->node) && is_above(from->node, to_parent))
		return -EINVAL;
	error = flags & FILE_RENAME_EXCHANGE ? exchange(parent, from, to_parent, to)
					     : move(parent, from, to_parent, to_name, to);
	if (error == 0) {
		tmpfs_node_changed(parent);
		tmpfs_node_changed(to_parent);
	}
	return error;
}

int tmpfs_read_link(struct vnode *vnode, char *target, size_t size)
{
	struct tmpfs_node *node = tmpfs_node_of(vnode);
	size_t length;

	if (!S_ISLNK(vnode->mode))
		return -EINVAL;
	length = node->attributes.size;
	if (length > size)
		length = size;
	memcpy(target, node->target, length);
	return (int)length;
}

/* Cookies: 1 behind ".", 2 behind "..", three more than a slot behind what is there. */
int tmpfs_read_directory(struct vnode *vnode, uint64_t cookie, directory_emit emit, void *context)
{
	struct tmpfs_node *node = tmpfs_node_of(vnode);
	const struct tmpfs_folder *folder = node->folder;

	if (cookie < 1 && !emit(context, ".", vnode->inode, S_IFDIR >> 12, 1))
		return 0;
	if (cookie < 2 && !emit(context, "..", folder->parent->vnode.inode, S_IFDIR >> 12, 2))
		return 0;
	for (uint64_t slot = cookie > 2 ? cookie - 2 : 0; slot < folder->slots; slot++) {
		const struct tmpfs_entry *entry;

		if (folder->slot[slot].entry % 2 != 0)
			continue;
		entry = (const struct tmpfs_entry *)(uintptr_t)folder->slot[slot].entry;
		if (!emit(context, entry->name, entry->node->vnode.inode,
			    (unsigned char)((entry->node->vnode.mode & S_IFMT) >> 12), slot + 3))
			break;
	}
	return 0;
}
