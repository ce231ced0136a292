/* Directories in memory: entries, and every change of names. */
#include "pagers/ram/ram.h"

#include <stdlib.h>
#include <string.h>

enum { NAME_TABLE = 8192, LINK_MAX_HERE = 65000 };

static struct ram_entry *names[NAME_TABLE];

static struct ram_entry **chain_of(const struct ram_node *directory, const char *name)
{
	uint64_t hash = directory->attributes.inode * 0x9e3779b97f4a7c15ull;

	while (*name)
		hash = (hash ^ (unsigned char)*name++) * 0x100000001b3ull;
	return &names[(hash ^ hash >> 32) % NAME_TABLE];
}

static struct ram_entry *find_entry(const struct ram_node *directory, const char *name)
{
	struct ram_entry *entry = *chain_of(directory, name);

	while (entry && (entry->directory != directory || strcmp(entry->name, name) != 0))
		entry = entry->next_in_table;
	return entry;
}

static struct ram_entry *add_entry(struct ram_node *directory, const char *name, struct ram_node *node)
{
	struct ram_entry *entry = malloc(sizeof(*entry) + strlen(name) + 1), **chain;

	if (!entry)
		return NULL;
	strcpy(entry->name, name);
	entry->directory = directory;
	entry->node = node;
	entry->cookie = directory->next_cookie++;
	chain = chain_of(directory, name);
	entry->next_in_table = *chain;
	*chain = entry;
	entry->next = NULL;
	entry->previous = directory->last;
	if (directory->last)
		directory->last->next = entry;
	else
		directory->first = entry;
	directory->last = entry;
	return entry;
}

static void remove_entry(struct ram_entry *entry)
{
	struct ram_node *directory = entry->directory;
	struct ram_entry **link = chain_of(directory, entry->name);

	while (*link != entry)
		link = &(*link)->next_in_table;
	*link = entry->next_in_table;
	if (entry->previous)
		entry->previous->next = entry->next;
	else
		directory->first = entry->next;
	if (entry->next)
		entry->next->previous = entry->previous;
	else
		directory->last = entry->previous;
	free(entry);
}

void ram_free_entries(struct ram_node *directory)
{
	while (directory->first)
		remove_entry(directory->first);
}

static int is_directory(const struct ram_node *node)
{
	return S_ISDIR(node->attributes.mode);
}

static int find_directory(uint64_t inode, struct ram_node **node)
{
	*node = ram_find(inode);
	return !*node ? ESTALE : is_directory(*node) ? 0 : ENOTDIR;
}

static void changed(struct ram_node *directory)
{
	directory->attributes.modify_time = directory->attributes.change_time = fk_now();
}

int ram_look_up(struct fk_volume *base, uint64_t directory, const char *name, uint64_t *inode)
{
	struct ram_entry *entry;
	struct ram_node *parent;
	int error = fk_check_name(name);

	(void)base;
	if (!error)
		error = find_directory(directory, &parent);
	if (error)
		return error;
	if (strcmp(name, ".") == 0) {
		*inode = directory;
	} else if (strcmp(name, "..") == 0) {
		*inode = parent->parent->attributes.inode;
	} else {
		entry = find_entry(parent, name);
		if (!entry)
			return ENOENT;
		*inode = entry->node->attributes.inode;
	}
	return 0;
}

/* May the name be added? */
static int check_new(struct ram_volume *volume, uint64_t directory, const char *name, struct ram_node **parent)
{
	uint64_t found;
	int error = volume->stopped ? EROFS : ram_look_up(&volume->base, directory, name, &found);

	if (error == 0)
		return EEXIST;
	if (error != ENOENT)
		return error;
	error = find_directory(directory, parent);
	return error ? error : (*parent)->attributes.links == 0 ? ENOENT : 0;
}

static int make(struct ram_volume *volume, struct ram_node *parent, const char *name,
	const struct file_attributes *values, const char *target, uint64_t *inode)
{
	struct ram_node *node = ram_new_node(volume, values->mode, values->uid, values->gid);

	if (!node)
		return ENOSPC;
	if ((target && !(node->target = strdup(target))) || (name[0] && !add_entry(parent, name, node))) {
		ram_free_node(volume, node);
		return ENOMEM;
	}
	node->attributes.links = name[0] != 0;
	node->attributes.device = S_ISCHR(values->mode) || S_ISBLK(values->mode) ? values->device : 0;
	if (is_directory(node)) {
		node->attributes.links = 2;
		node->parent = parent;
		parent->attributes.links++;
	}
	if (name[0])
		changed(parent);
	*inode = node->attributes.inode;
	return 0;
}

int ram_create(struct fk_volume *base, uint64_t directory, const char *name, const struct file_attributes *values,
	uint64_t *inode)
{
	struct ram_node *parent;
	int error = check_new((struct ram_volume *)base, directory, name, &parent);

	if (error)
		return error;
	if (S_ISLNK(values->mode) || (values->mode & S_IFMT) == 0)
		return EINVAL;
	if (!name[0] && !S_ISREG(values->mode))
		return ENOENT;
	return make((struct ram_volume *)base, parent, name, values, NULL, inode);
}

int ram_symlink(struct fk_volume *base, uint64_t directory, const char *name, const char *target, uint64_t uid,
	uint64_t gid, uint64_t *inode)
{
	struct file_attributes values = {.mode = S_IFLNK | 0777, .uid = uid, .gid = gid};
	struct ram_node *parent;
	int error = target[0] && name[0] ? check_new((struct ram_volume *)base, directory, name, &parent) : ENOENT;

	return error ? error : make((struct ram_volume *)base, parent, name, &values, target, inode);
}

int ram_link(struct fk_volume *base, uint64_t inode, uint64_t directory, const char *name)
{
	struct ram_node *parent, *node = ram_find(inode);
	int error = name[0] ? check_new((struct ram_volume *)base, directory, name, &parent) : ENOENT;

	if (error)
		return error;
	if (!node)
		return ESTALE;
	if (is_directory(node))
		return EPERM;
	if (node->attributes.links >= LINK_MAX_HERE)
		return EMLINK;
	if (!add_entry(parent, name, node))
		return ENOMEM;
	node->attributes.links++;
	node->attributes.change_time = fk_now();
	changed(parent);
	return 0;
}

/* A node lost its name in `parent`. */
static void lose_link(struct ram_node *parent, struct ram_node *node)
{
	if (is_directory(node)) {
		node->attributes.links = 0;
		parent->attributes.links--;
	} else {
		node->attributes.links--;
	}
	node->attributes.change_time = fk_now();
}

int ram_unlink(struct fk_volume *base, uint64_t directory, const char *name, int wants_directory, uint64_t *victim)
{
	struct ram_node *parent, *node;
	struct ram_entry *entry;
	int error = ((struct ram_volume *)base)->stopped ? EROFS : fk_check_name(name);

	*victim = 0;
	if (!error)
		error = find_directory(directory, &parent);
	if (error)
		return error;
	if (strcmp(name, ".") == 0)
		return wants_directory ? EINVAL : EISDIR;
	if (strcmp(name, "..") == 0)
		return wants_directory ? ENOTEMPTY : EISDIR;
	entry = find_entry(parent, name);
	if (!entry)
		return ENOENT;
	node = entry->node;
	if (wants_directory && !is_directory(node))
		return ENOTDIR;
	if (!wants_directory && is_directory(node))
		return EISDIR;
	if (node->first)
		return ENOTEMPTY;
	remove_entry(entry);
	lose_link(parent, node);
	changed(parent);
	*victim = node->attributes.inode;
	return 0;
}

/* Is `node` the directory or above it? */
static int is_above(const struct ram_node *node, const struct ram_node *directory)
{
	while (directory != node && directory->parent != directory)
		directory = directory->parent;
	return directory == node;
}

static void set_parent(struct ram_node *node, struct ram_node *parent)
{
	if (is_directory(node) && node->parent != parent) {
		node->parent->attributes.links--;
		parent->attributes.links++;
		node->parent = parent;
	}
	node->attributes.change_time = fk_now();
}

static int exchange(struct ram_entry *from, struct ram_entry *to)
{
	struct ram_node *node = from->node;

	if (is_directory(to->node) && is_above(to->node, from->directory))
		return EINVAL;
	from->node = to->node;
	to->node = node;
	set_parent(from->node, from->directory);
	set_parent(to->node, to->directory);
	return 0;
}

static int move(
	struct ram_entry *from, struct ram_node *directory, const char *name, struct ram_entry *to, uint64_t *victim)
{
	struct ram_node *node = from->node;

	if (to) {
		if (is_directory(node) && !is_directory(to->node))
			return ENOTDIR;
		if (!is_directory(node) && is_directory(to->node))
			return EISDIR;
		if (to->node->first)
			return ENOTEMPTY;
		lose_link(directory, to->node);
		*victim = to->node->attributes.inode;
		to->node = node;
	} else if (!add_entry(directory, name, node)) {
		return ENOMEM;
	}
	changed(from->directory);
	remove_entry(from);
	set_parent(node, directory);
	changed(directory);
	return 0;
}

int ram_rename(struct fk_volume *base, uint64_t directory, const char *name, uint64_t to_directory, const char *to_name,
	unsigned flags, uint64_t *victim)
{
	struct ram_node *parent, *to_parent;
	struct ram_entry *from, *to;
	int error = ((struct ram_volume *)base)->stopped ? EROFS : fk_check_name(name);

	*victim = 0;
	if (!error)
		error = fk_check_name(to_name);
	if (!error && (flags & ~(unsigned)(FILE_RENAME_NOREPLACE | FILE_RENAME_EXCHANGE) ||
			      flags == (FILE_RENAME_NOREPLACE | FILE_RENAME_EXCHANGE)))
		error = EINVAL;
	if (!error)
		error = find_directory(directory, &parent);
	if (!error)
		error = find_directory(to_directory, &to_parent);
	if (error)
		return error;
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(to_name, ".") == 0 ||
		strcmp(to_name, "..") == 0)
		return EBUSY;
	from = find_entry(parent, name);
	to = find_entry(to_parent, to_name);
	if (!from || to_parent->attributes.links == 0 || (!to && flags & FILE_RENAME_EXCHANGE))
		return ENOENT;
	if (to && flags & FILE_RENAME_NOREPLACE)
		return EEXIST;
	if (to && to->node == from->node)
		return 0;
	if (is_directory(from->node) && is_above(from->node, to_parent))
		return EINVAL;
	if (flags & FILE_RENAME_EXCHANGE) {
		error = exchange(from, to);
		if (!error) {
			changed(parent);
			changed(to_parent);
		}
		return error;
	}
	return move(from, to_parent, to_name, to, victim);
}

int ram_read_directory(
	struct fk_volume *base, uint64_t directory, uint64_t cookie, char *buffer, size_t size, size_t *used)
{
	struct ram_node *parent;
	struct ram_entry *entry;
	int error = find_directory(directory, &parent);

	(void)base;
	*used = 0;
	if (error)
		return error;
	if (cookie < 1)
		fk_add_entry(buffer, size, used, directory, 1, S_IFDIR >> 12, ".", 1);
	if (cookie < 2)
		fk_add_entry(buffer, size, used, parent->parent->attributes.inode, 2, S_IFDIR >> 12, "..", 2);
	for (entry = parent->first; entry; entry = entry->next)
		if (entry->cookie > cookie &&
			!fk_add_entry(buffer, size, used, entry->node->attributes.inode, entry->cookie,
				fk_entry_type(entry->node->attributes.mode), entry->name, strlen(entry->name)))
			break;
	return 0;
}
