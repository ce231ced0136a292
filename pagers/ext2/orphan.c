/* Inodes that a crash would leave half done: without links and still open, or cut and not yet freed. */
#include "pagers/ext2/ext2.h"

#include <stdlib.h>
#include <string.h>

/*
 * The superblock names the first, the inode's time of deletion the next (kernel.org, "ext4 Data Structures and
 * Algorithms", 4.1.3: s_last_orphan). The list is here as well, to find whose next one is taken out. Who opens the file
 * system after a crash ends what was begun: an inode without links is freed, another is cut at its size.
 */
enum { HASH_SIZE = 256 };

struct orphan {
	ext2_ino_t inode;
	struct orphan *hash_next, *next, *previous;
};

struct ext2_orphans {
	struct orphan *hash[HASH_SIZE], *first;
	ext2_ino_t written; /* the superblock in the cache says so */
};

static struct orphan **link_to(struct ext2_orphans *o, uint64_t inode)
{
	struct orphan **link = &o->hash[inode % HASH_SIZE];

	while (*link && (*link)->inode != inode)
		link = &(*link)->hash_next;
	return link;
}

bool ext2_is_orphan(struct ext2_volume *volume, uint64_t inode)
{
	return volume->orphans && *link_to(volume->orphans, inode);
}

/* Behind `previous`, or first. */
static struct orphan *insert(struct ext2_orphans *o, ext2_ino_t inode, struct orphan *previous)
{
	struct orphan *new = calloc(1, sizeof(*new)), **link = link_to(o, inode);

	if (!new)
		return NULL;
	*new = (struct orphan){.inode = inode, .hash_next = *link, .previous = previous};
	*link = new;
	new->next = previous ? previous->next : o->first;
	*(previous ? &previous->next : &o->first) = new;
	if (new->next)
		new->next->previous = new;
	return new;
}

static void set_first(struct ext2_volume *volume)
{
	struct orphan *first = volume->orphans->first;

	volume->fs->super->s_last_orphan = first ? first->inode : 0;
	ext2fs_mark_super_dirty(volume->fs);
}

int ext2_orphan_add(struct ext2_volume *volume, uint64_t inode, union ext2_any_inode *data)
{
	if (!volume->orphans || ext2_is_orphan(volume, inode))
		return 0;
	data->small.i_dtime = volume->fs->super->s_last_orphan;
	if (!insert(volume->orphans, (ext2_ino_t)inode, NULL))
		return ENOMEM;
	set_first(volume);
	return 0;
}

int ext2_orphan_remove(struct ext2_volume *volume, uint64_t inode, union ext2_any_inode *data)
{
	struct orphan **link = volume->orphans ? link_to(volume->orphans, inode) : NULL, *o = link ? *link : NULL;
	union ext2_any_inode previous;
	int error = 0;

	if (!o)
		return 0;
	if (o->previous)
		error = ext2_read_inode(volume, o->previous->inode, &previous);
	if (!error && o->previous) {
		previous.small.i_dtime = o->next ? o->next->inode : 0;
		error = ext2_write_inode(volume, o->previous->inode, &previous);
	}
	if (error)
		return error;
	*link = o->hash_next;
	*(o->previous ? &o->previous->next : &volume->orphans->first) = o->next;
	if (o->next)
		o->next->previous = o->previous;
	free(o);
	set_first(volume);
	data->small.i_dtime = 0;
	return 0;
}

void ext2_orphans_end_operation(struct ext2_volume *volume)
{
	struct ext2_cache *cache = ext2_fs_cache(volume->fs);
	const ext2_ino_t first = volume->fs->super->s_last_orphan;
	struct ext2_super_block super;

	if (!volume->orphans || volume->orphans->written == first || !ext2_cache_is_kept(cache))
		return;
	/* Nothing else of it: the numbers of what is free are not those of what is in the cache. */
	if (ext2_cache_read(cache, SUPERBLOCK_OFFSET, sizeof(super), &super))
		return;
	super.s_last_orphan = first;
	ext2fs_superblock_csum_set(volume->fs, &super);
	if (ext2_cache_write(cache, SUPERBLOCK_OFFSET, sizeof(super), &super) == 0)
		volume->orphans->written = first;
}

int ext2_orphans_load(struct ext2_volume *volume)
{
	ext2_ino_t inode = volume->fs->super->s_last_orphan;
	struct orphan *last = NULL;
	union ext2_any_inode data;

	volume->orphans = calloc(1, sizeof(*volume->orphans));
	if (!volume->orphans)
		return ENOMEM;
	volume->orphans->written = inode;
	for (; inode; inode = data.small.i_dtime) {
		int error = inode < EXT2_FIRST_INODE(volume->fs->super) || ext2_is_orphan(volume, inode)
				    ? EIO
				    : ext2_read_inode(volume, inode, &data);

		if (!error && (!data.small.i_mode || !ext2fs_test_inode_bitmap2(volume->fs->inode_map, inode)))
			error = EIO;
		if (error)
			return error;
		last = insert(volume->orphans, inode, last);
		if (!last)
			return ENOMEM;
	}
	return 0;
}

int ext2_orphans_end(struct ext2_volume *volume)
{
	while (volume->orphans->first) {
		const ext2_ino_t inode = volume->orphans->first->inode;
		union ext2_any_inode data;
		int error = ext2_read_inode(volume, inode, &data);

		if (!error && data.small.i_links_count == 0)
			ext2_free_inode(volume, inode);
		else if (!error && LINUX_S_ISREG(data.small.i_mode))
			error = ext2_trim(&volume->base, inode, 1);
		if (error || ext2_is_orphan(volume, inode))
			return EIO;
		volume->base.operations->commit(&volume->base);
	}
	return 0;
}

void ext2_orphans_free(struct ext2_volume *volume)
{
	struct orphan *next, *o = volume->orphans ? volume->orphans->first : NULL;

	for (; o; o = next) {
		next = o->next;
		free(o);
	}
	free(volume->orphans);
	volume->orphans = NULL;
}
