/* Renaming: every case of POSIX, and Linux's NOREPLACE and EXCHANGE. */
#include "pagers/ext2/ext2.h"

#include <string.h>

enum { DEPTH_LIMIT = 100000 }; /* a chain of ".." longer than this is a loop on a damaged disk */

struct place {
	uint64_t directory, inode;
	const char *name;
	union ext2_any_inode data;
};

static int is_directory(const struct place *p)
{
	return LINUX_S_ISDIR(p->data.small.i_mode);
}

/* EINVAL when `directory` is `inode` or lies below it. */
static int check_not_below(struct ext2_volume *volume, uint64_t inode, uint64_t directory)
{
	unsigned depth;

	for (depth = 0; depth < DEPTH_LIMIT; depth++) {
		uint64_t parent;
		int error;

		if (directory == inode)
			return EINVAL;
		if (directory == EXT2_ROOT_INO)
			return 0;
		error = ext2_find_name(volume, directory, "..", &parent);
		if (error)
			return error;
		directory = parent;
	}
	return EIO;
}

/* After the entry of `moved` was written elsewhere: its ".." and its time of change. */
static int update_moved(struct ext2_volume *volume, struct place *moved, uint64_t old_parent, uint64_t new_parent)
{
	int error = 0;

	if (is_directory(moved) && old_parent != new_parent)
		error = ext2_replace_entry(volume, moved->inode, "..", new_parent, LINUX_S_IFDIR);
	if (!error)
		error = ext2_read_inode(volume, moved->inode, &moved->data);
	if (error)
		return error;
	ext2_touch(volume, &moved->data, EXT2_TOUCH_CHANGE);
	return ext2_write_inode(volume, moved->inode, &moved->data);
}

static int exchange(struct ext2_volume *volume, struct place *from, struct place *to)
{
	int links = is_directory(to) - is_directory(from); /* what from's directory gains */
	int error = 0;

	if (is_directory(to))
		error = check_not_below(volume, to->inode, from->directory);
	if (!error)
		error = ext2_replace_entry(volume, to->directory, to->name, from->inode, from->data.small.i_mode);
	if (!error)
		error = ext2_replace_entry(volume, from->directory, from->name, to->inode, to->data.small.i_mode);
	if (!error)
		error = update_moved(volume, from, from->directory, to->directory);
	if (!error)
		error = update_moved(volume, to, to->directory, from->directory);
	if (from->directory == to->directory)
		links = 0;
	if (!error)
		error = ext2_directory_changed(volume, from->directory, links);
	return error ? error : ext2_directory_changed(volume, to->directory, -links);
}

/* May the file at `to` be replaced by the one at `from`? */
static int check_replace(struct ext2_volume *volume, const struct place *from, const struct place *to)
{
	if (is_directory(from) && !is_directory(to))
		return ENOTDIR;
	if (!is_directory(from) && is_directory(to))
		return EISDIR;
	return is_directory(to) ? ext2_check_empty(volume, to->inode) : 0;
}

/* Replaces the entry at `to`, or adds it when to->inode is 0; then removes the one at `from`. */
static int move(struct ext2_volume *volume, struct place *from, struct place *to, uint64_t *victim)
{
	int to_links = is_directory(from) && from->directory != to->directory;
	int from_links = -to_links;
	int error;

	if (to->inode)
		error = ext2_replace_entry(volume, to->directory, to->name, from->inode, from->data.small.i_mode);
	else
		error = ext2_add_entry(volume, to->directory, to->name, from->inode, from->data.small.i_mode);
	if (!error)
		error = ext2_remove_entry(volume, from->directory, from->name);
	if (error)
		return error;
	if (to->inode) {
		to->data.small.i_links_count = is_directory(to) ? 0 : (uint16_t)(to->data.small.i_links_count - 1);
		ext2_touch(volume, &to->data, EXT2_TOUCH_CHANGE);
		if (to->data.small.i_links_count == 0)
			error = ext2_orphan_add(volume, to->inode, &to->data);
		if (!error)
			error = ext2_write_inode(volume, to->inode, &to->data);
		*victim = to->inode;
		if (is_directory(to))
			to_links--;
	}
	if (!error)
		error = update_moved(volume, from, from->directory, to->directory);
	if (!error && from->directory == to->directory)
		return ext2_directory_changed(volume, to->directory, to_links + from_links);
	if (!error)
		error = ext2_directory_changed(volume, from->directory, from_links);
	return error ? error : ext2_directory_changed(volume, to->directory, to_links);
}

static int is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Looks the place up; 0 with inode 0 when the name is not there. */
static int find(struct ext2_volume *volume, struct place *p)
{
	int error = ext2_look_up(&volume->base, p->directory, p->name, &p->inode);

	if (error) {
		p->inode = 0;
		return error == ENOENT && p->name[0] ? 0 : error;
	}
	return ext2_read_inode(volume, p->inode, &p->data);
}

int ext2_rename(struct fk_volume *base, uint64_t directory, const char *name, uint64_t to_directory,
	const char *to_name, unsigned flags, uint64_t *victim)
{
	struct ext2_volume *volume = ext2_volume(base);
	struct place from = {.directory = directory, .name = name}, to = {.directory = to_directory, .name = to_name};
	union ext2_any_inode parent;
	int error = ext2_begin_change(volume);

	*victim = 0;
	if (!error && (flags & ~(unsigned)(FILE_RENAME_NOREPLACE | FILE_RENAME_EXCHANGE) ||
			      flags == (FILE_RENAME_NOREPLACE | FILE_RENAME_EXCHANGE)))
		error = EINVAL;
	if (!error && (is_dots(name) || is_dots(to_name)))
		error = EBUSY;
	if (!error)
		error = find(volume, &from);
	if (!error && !from.inode)
		error = ENOENT;
	if (!error)
		error = ext2_read_directory_inode(volume, to_directory, &parent);
	if (!error && parent.small.i_links_count == 0)
		error = ENOENT;
	if (!error)
		error = find(volume, &to);
	if (!error && to.inode && flags & FILE_RENAME_NOREPLACE)
		error = EEXIST;
	if (!error && !to.inode && flags & FILE_RENAME_EXCHANGE)
		error = ENOENT;
	if (error || from.inode == to.inode)
		return error;
	if (is_directory(&from))
		error = check_not_below(volume, from.inode, to_directory);
	if (!error && flags & FILE_RENAME_EXCHANGE)
		return exchange(volume, &from, &to);
	if (!error && to.inode)
		error = check_replace(volume, &from, &to);
	if (!error && is_directory(&from) && !to.inode && directory != to_directory &&
		parent.small.i_links_count >= EXT2_LINK_MAX && !ext2fs_has_feature_dir_nlink(volume->fs->super))
		error = EMLINK;
	return error ? error : move(volume, &from, &to, victim);
}
