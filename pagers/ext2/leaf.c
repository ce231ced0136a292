/* The entries of one block of a directory. */
#include "pagers/ext2/directory.h"

#include <string.h>

enum { HEAD = offsetof(struct ext2_dir_entry, name) };

static unsigned needs(size_t name_length)
{
	return ((unsigned)name_length + HEAD + 3) & ~3u;
}

unsigned ext2_leaf_needs(const struct ext2_dir_entry *entry)
{
	return needs((size_t)ext2fs_dirent_name_len(entry));
}

/* Where the entries end: with checksums the block's own is behind them, in what looks like one more. */
static unsigned usable(ext2_filsys fs)
{
	return fs->blocksize -
		(ext2fs_has_feature_metadata_csum(fs->super) ? (unsigned)sizeof(struct ext2_dir_entry_tail) : 0);
}

bool ext2_is_dots(const struct ext2_dir_entry *entry)
{
	const int length = ext2fs_dirent_name_len(entry);

	return (length == 1 && entry->name[0] == '.') || (length == 2 && memcmp(entry->name, "..", 2) == 0);
}

struct ext2_dir_entry *ext2_leaf_next(ext2_filsys fs, char *block, unsigned *offset, int *error)
{
	struct ext2_dir_entry *entry = (struct ext2_dir_entry *)(void *)(block + *offset);
	unsigned length;

	if (*offset + HEAD > usable(fs))
		return NULL;
	if (ext2fs_get_rec_len(fs, entry, &length) || length < HEAD || length % 4 || length > fs->blocksize - *offset ||
		(unsigned)ext2fs_dirent_name_len(entry) + HEAD > length) {
		*error = EIO;
		return NULL;
	}
	*offset += length;
	return entry;
}

int ext2_leaf_find(ext2_filsys fs, char *block, struct dir_name name, struct ext2_dir_entry **found,
	struct ext2_dir_entry **before)
{
	struct ext2_dir_entry *entry, *last = NULL;
	unsigned offset = 0;
	int error = ENOENT;

	while ((entry = ext2_leaf_next(fs, block, &offset, &error))) {
		if (entry->inode && (size_t)ext2fs_dirent_name_len(entry) == name.length &&
			memcmp(entry->name, name.name, name.length) == 0) {
			*found = entry;
			*before = last;
			return 0;
		}
		last = entry;
	}
	return error;
}

static void set_entry(ext2_filsys fs, struct ext2_dir_entry *entry, unsigned length, struct dir_name name,
	uint64_t inode, int type)
{
	entry->inode = (ext2_ino_t)inode;
	ext2fs_set_rec_len(fs, length, entry);
	ext2fs_dirent_set_name_len(entry, (int)name.length);
	ext2fs_dirent_set_file_type(entry, type);
	memcpy(entry->name, name.name, name.length);
}

int ext2_leaf_add(ext2_filsys fs, char *block, struct dir_name name, uint64_t inode, int type)
{
	struct ext2_dir_entry *entry;
	unsigned offset = 0, at = 0;
	int error = ENOSPC;

	for (; (entry = ext2_leaf_next(fs, block, &offset, &error)); at = offset) {
		const unsigned used = entry->inode ? ext2_leaf_needs(entry) : 0;

		if (offset < at + used + needs(name.length))
			continue;
		if (used)
			ext2fs_set_rec_len(fs, used, entry);
		entry = (struct ext2_dir_entry *)(void *)(block + at + used);
		set_entry(fs, entry, offset - at - used, name, inode, type);
		return 0;
	}
	return error;
}

void ext2_leaf_remove(ext2_filsys fs, struct ext2_dir_entry *entry, struct ext2_dir_entry *before)
{
	unsigned length, more;

	if (!before) {
		entry->inode = 0;
	} else if (!ext2fs_get_rec_len(fs, before, &length) && !ext2fs_get_rec_len(fs, entry, &more)) {
		ext2fs_set_rec_len(fs, length + more, before);
		memset(entry, 0, HEAD);
	}
}

void ext2_leaf_fill(ext2_filsys fs, char *block, const struct dir_hashed *entries, size_t count)
{
	const unsigned end = usable(fs);
	unsigned at = 0;

	for (size_t i = 0; i < count; i++) {
		const struct ext2_dir_entry *from = entries[i].entry;
		const unsigned length = ext2_leaf_needs(from);
		struct ext2_dir_entry *to = (struct ext2_dir_entry *)(void *)(block + at);

		memcpy(to, from, length);
		ext2fs_set_rec_len(fs, i + 1 < count ? length : end - at, to);
		at += length;
	}
	if (count == 0)
		set_entry(fs, (struct ext2_dir_entry *)(void *)block, end, (struct dir_name){"", 0}, 0, 0);
	if (end < fs->blocksize)
		ext2fs_initialize_dirent_tail(fs, EXT2_DIRENT_TAIL(block, fs->blocksize));
}
