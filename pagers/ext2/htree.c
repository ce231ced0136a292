/*
 * The index of a directory: a tree over its blocks by the hash of the names (ext4 disk layout, "Hash Tree Directories").
 * Block 0 is the root, which looks like a block with "." and ".." only; nodes look like empty blocks, leaves are blocks
 * of entries like any other. A leaf has the hashes from its own entry's in the node above up to the next one's. Where
 * names of one hash fill more than a leaf, the hash of the following leaf has bit 0 set (names' hashes have not).
 */
#include "pagers/ext2/directory.h"

#include <stdlib.h>
#include <string.h>

enum {
	ROOT_INFO = 24,       /* behind "." and ".." */
	NODE_ENTRIES = 8,     /* behind an entry without a name */
	BLOCK_MASK = 0xfffffff, /* of what an index entry says, the block */
	LEVELS = EXT4_HTREE_LEVEL,
	CONTINUED = 1,
};

/* A node on the way from the root to a leaf, and the entry by which the way goes on. */
struct frame {
	struct dir_block block;
	struct ext2_dx_entry *entries; /* in the first the hash's place has limit and count */
	unsigned at;
};

struct way {
	struct frame frames[LEVELS];
	unsigned last; /* of the frames; below it is the leaf */
	int version;   /* of the hash */
};

static struct ext2_dx_countlimit *counts(const struct frame *frame)
{
	return (struct ext2_dx_countlimit *)(void *)frame->entries;
}

static bool is_full(const struct frame *frame)
{
	return counts(frame)->count >= counts(frame)->limit;
}

static struct ext2_dx_root_info *root_info(const struct frame *frame)
{
	return (struct ext2_dx_root_info *)(void *)(frame->block.contents + ROOT_INFO);
}

/* How many entries there is room for behind an offset; with checksums the block's own takes the place of one. */
static unsigned room(const ext2_filsys fs, unsigned offset)
{
	return (fs->blocksize - offset) / (unsigned)sizeof(struct ext2_dx_entry) -
		(ext2fs_has_feature_metadata_csum(fs->super) ? 1 : 0);
}

bool ext2_is_indexed(const struct ext2_directory *directory)
{
	return ext2fs_has_feature_dir_index(directory->volume->fs->super) &&
		directory->data.small.i_flags & EXT2_INDEX_FL;
}

bool ext2_is_hashed(const struct ext2_directory *directory)
{
	return ext2fs_has_feature_dir_index(directory->volume->fs->super) &&
		(directory->blocks == 1 || directory->data.small.i_flags & EXT2_INDEX_FL);
}

static int hash_of(ext2_filsys fs, int version, struct dir_name name, uint32_t *hash, uint32_t *minor)
{
	if (version <= EXT2_HASH_TEA && fs->super->s_flags & EXT2_FLAGS_UNSIGNED_HASH)
		version += EXT2_HASH_LEGACY_UNSIGNED - EXT2_HASH_LEGACY;
	return ext2fs_dirhash(version, name.name, (int)name.length, fs->super->s_hash_seed, hash, minor) ? EIO : 0;
}

static void release(struct way *way)
{
	for (unsigned i = 0; i < LEVELS; i++)
		ext2_dir_release(&way->frames[i].block);
}

/* Reads a block that the index names. */
static int read_named(struct ext2_directory *directory, uint64_t logical, struct dir_block *block)
{
	int error = logical && logical < directory->blocks ? ext2_dir_read(directory, logical, block) : EIO;

	return error == ENOENT ? EIO : error;
}

static int read_frame(struct ext2_directory *directory, uint64_t logical, struct frame *frame)
{
	const unsigned offset = logical ? NODE_ENTRIES : ROOT_INFO + (unsigned)sizeof(struct ext2_dx_root_info);
	int error = logical ? read_named(directory, logical, &frame->block)
			    : ext2_dir_read(directory, 0, &frame->block);

	if (error)
		return error;
	frame->entries = (struct ext2_dx_entry *)(void *)(frame->block.contents + offset);
	if (counts(frame)->limit != room(directory->volume->fs, offset) || counts(frame)->count == 0 ||
		counts(frame)->count > counts(frame)->limit)
		return EIO;
	frame->at = 0;
	return 0;
}

static uint64_t below(const struct frame *frame)
{
	return frame->entries[frame->at].block & BLOCK_MASK;
}

static int read_root(struct ext2_directory *directory, struct way *way)
{
	const struct ext2_dx_root_info *info;
	int error;

	memset(way, 0, sizeof(*way));
	error = read_frame(directory, 0, &way->frames[0]);
	if (error)
		return error;
	info = root_info(&way->frames[0]);
	if (info->reserved_zero || info->info_length != sizeof(*info) || info->unused_flags & EXT2_HASH_FLAG_INCOMPAT ||
		info->indirect_levels >= ext2_dir_htree_level(directory->volume->fs))
		return EIO;
	way->last = info->indirect_levels;
	way->version = info->hash_version;
	return 0;
}

/* The way from a frame that is read down to the leaf of the hash. */
static int descend(struct ext2_directory *directory, struct way *way, unsigned level, uint32_t hash)
{
	for (;; level++) {
		struct frame *frame = &way->frames[level];
		unsigned low = 0, high = counts(frame)->count; /* the entry is in [low, high) */
		int error;

		while (high - low > 1) {
			const unsigned middle = (low + high) / 2;

			if (frame->entries[middle].hash <= hash)
				low = middle;
			else
				high = middle;
		}
		frame->at = low;
		if (level == way->last)
			return 0;
		error = read_frame(directory, below(frame), frame + 1);
		if (error)
			return error;
	}
}

/* The way to the next leaf, and the hash where it begins. ENOENT: there is none. */
static int go_on(struct ext2_directory *directory, struct way *way, uint32_t *hash)
{
	unsigned level = way->last;
	struct frame *frame;

	while (way->frames[level].at + 1u >= counts(&way->frames[level])->count)
		if (level-- == 0)
			return ENOENT;
	frame = &way->frames[level];
	frame->at++;
	*hash = frame->entries[frame->at].hash;
	for (; level < way->last; level++) {
		int error = read_frame(directory, below(&way->frames[level]), &way->frames[level + 1]);

		if (error)
			return error;
	}
	return 0;
}

int ext2_htree_find(struct ext2_directory *directory, struct dir_name name, struct dir_block *block,
	struct ext2_dir_entry **found, struct ext2_dir_entry **before)
{
	ext2_filsys fs = directory->volume->fs;
	uint32_t hash, minor, next;
	struct way way;
	int error = read_root(directory, &way);

	if (!error)
		error = hash_of(fs, way.version, name, &hash, &minor);
	if (!error)
		error = descend(directory, &way, 0, hash);
	while (!error) {
		error = read_named(directory, below(&way.frames[way.last]), block);
		if (!error)
			error = ext2_leaf_find(fs, block->contents, name, found, before);
		if (error != ENOENT)
			break;
		error = go_on(directory, &way, &next);
		if (!error && next != (hash | CONTINUED))
			error = ENOENT;
	}
	release(&way);
	return error;
}

/* --- Growing. */

/* One more entry behind the one by which the way goes. There is room. */
static void insert(struct frame *frame, uint32_t hash, uint64_t block)
{
	struct ext2_dx_entry *at = &frame->entries[frame->at + 1];

	memmove(at + 1, at, (counts(frame)->count - frame->at - 1) * sizeof(*at));
	at->hash = hash;
	at->block = (uint32_t)block;
	counts(frame)->count++;
}

/* A new block that is a node with the given entries. */
static int append_node(
	struct ext2_directory *directory, struct frame *node, const struct ext2_dx_entry *entries, unsigned count)
{
	ext2_filsys fs = directory->volume->fs;
	int error = ext2_dir_append(directory, &node->block);

	if (error)
		return error;
	memset(node->block.contents, 0, fs->blocksize);
	ext2fs_set_rec_len(fs, fs->blocksize, (struct ext2_dir_entry *)(void *)node->block.contents);
	node->entries = (struct ext2_dx_entry *)(void *)(node->block.contents + NODE_ENTRIES);
	memcpy(node->entries, entries, count * sizeof(*entries));
	counts(node)->limit = (uint16_t)room(fs, NODE_ENTRIES);
	counts(node)->count = (uint16_t)count;
	return ext2_dir_write(directory, &node->block);
}

/* One step towards room in the last node of the way, which is full: a level more, or a node is split. The way is void after it. */
static int make_room(struct ext2_directory *directory, struct way *way)
{
	struct frame *root = &way->frames[0], *full = &way->frames[way->last], node = {{0}, NULL, 0};
	unsigned half;
	int error;

	while (full > root && is_full(full - 1))
		full--;
	if (full == root) {
		if (way->last + 1 >= ext2_dir_htree_level(directory->volume->fs))
			return ENOSPC;
		error = append_node(directory, &node, root->entries, counts(root)->count);
		if (!error) {
			counts(root)->count = 1;
			root->entries[0].block = (uint32_t)node.block.logical;
			root_info(root)->indirect_levels++;
			error = ext2_dir_write(directory, &root->block);
		}
	} else {
		half = counts(full)->count / 2;
		error = append_node(directory, &node, full->entries + half, counts(full)->count - half);
		if (!error) {
			insert(full - 1, full->entries[half].hash, node.block.logical);
			counts(full)->count = (uint16_t)half;
			error = ext2_dir_write(directory, &(full - 1)->block);
		}
		if (!error)
			error = ext2_dir_write(directory, &full->block);
	}
	ext2_dir_release(&node.block);
	return error;
}

static int by_hash(const void *a, const void *b)
{
	const struct dir_hashed *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->minor < y->minor ? -1 : x->minor > y->minor;
}

/* Appends the block's entries, "." and ".." excepted, to an array that grows. */
static int gather(
	ext2_filsys fs, int version, char *block, struct dir_hashed **entries, size_t *count)
{
	struct dir_hashed *more = realloc(*entries, (*count + fs->blocksize / 12 + 1) * sizeof(**entries));
	struct ext2_dir_entry *entry;
	unsigned offset = 0;
	int error = 0;

	if (!more)
		return ENOMEM;
	*entries = more;
	while (!error && (entry = ext2_leaf_next(fs, block, &offset, &error))) {
		struct dir_hashed *to = &more[*count];

		if (!entry->inode || !ext2fs_dirent_name_len(entry) || ext2_is_dots(entry))
			continue;
		to->entry = entry;
		error = hash_of(fs, version, (struct dir_name){entry->name, (size_t)ext2fs_dirent_name_len(entry)}, &to->hash,
			&to->minor);
		++*count;
	}
	return error;
}

/* The leaf's upper half goes to a new one. There is room in the node above. */
static int split_leaf(struct ext2_directory *directory, struct way *way, struct dir_block *leaf)
{
	ext2_filsys fs = directory->volume->fs;
	struct frame *above = &way->frames[way->last];
	struct dir_block upper = {0};
	struct dir_hashed *entries = NULL;
	size_t count = 0, kept;
	unsigned size = 0;
	char *old = NULL;
	uint32_t hash;
	int error = gather(fs, way->version, leaf->contents, &entries, &count);

	if (!error && count < 2)
		error = EIO; /* a block has room for two */
	if (!error && !(old = malloc(fs->blocksize)))
		error = ENOMEM;
	if (!error)
		error = ext2_dir_append(directory, &upper);
	if (!error) {
		qsort(entries, count, sizeof(*entries), by_hash);
		for (kept = 0; kept < count - 1 && size < fs->blocksize / 2; kept++)
			size += ext2_leaf_needs(entries[kept].entry);
		hash = entries[kept].hash | (entries[kept].hash == entries[kept - 1].hash ? CONTINUED : 0);
		ext2_leaf_fill(fs, upper.contents, entries + kept, count - kept);
		insert(above, hash, upper.logical);
		/* The entries point into the leaf, which is filled anew. */
		memcpy(old, leaf->contents, fs->blocksize);
		for (size_t i = 0; i < kept; i++)
			entries[i].entry = (struct ext2_dir_entry *)(void *)(old +
				((char *)entries[i].entry - leaf->contents));
		ext2_leaf_fill(fs, leaf->contents, entries, kept);
		error = ext2_dir_write(directory, &upper);
	}
	if (!error)
		error = ext2_dir_write(directory, &above->block);
	if (!error)
		error = ext2_dir_write(directory, leaf);
	ext2_dir_release(&upper);
	free(entries);
	free(old);
	return error;
}

int ext2_htree_add(struct ext2_directory *directory, struct dir_name name, uint64_t inode, int type)
{
	ext2_filsys fs = directory->volume->fs;
	bool done = false;
	int error = 0;

	while (!done && !error) {
		struct dir_block leaf = {0};
		uint32_t hash, minor;
		struct way way;

		error = read_root(directory, &way);
		if (!error)
			error = hash_of(fs, way.version, name, &hash, &minor);
		if (!error)
			error = descend(directory, &way, 0, hash);
		if (!error)
			error = read_named(directory, below(&way.frames[way.last]), &leaf);
		if (!error) {
			error = ext2_leaf_add(fs, leaf.contents, name, inode, type);
			if (!error) {
				error = ext2_dir_write(directory, &leaf);
				done = true;
			} else if (error == ENOSPC) {
				error = is_full(&way.frames[way.last]) ? make_room(directory, &way)
								       : split_leaf(directory, &way, &leaf);
			}
		}
		ext2_dir_release(&leaf);
		release(&way);
	}
	return error;
}

int ext2_htree_make(struct ext2_directory *directory)
{
	ext2_filsys fs = directory->volume->fs;
	const unsigned version = fs->super->s_def_hash_version;
	struct frame root = {{0}, NULL, 0};
	struct dir_block leaf = {0};
	struct dir_hashed *entries = NULL;
	struct ext2_dir_entry *parent, *before;
	struct ext2_dx_root_info *info;
	size_t count = 0;
	int error = ext2_dir_read(directory, 0, &root.block);

	if (!error)
		error = gather(fs, (int)version, root.block.contents, &entries, &count);
	/* ".." must be where an index wants it: the first of two entries is ".", of 12 bytes. */
	if (!error)
		error = ext2_leaf_find(fs, root.block.contents, (struct dir_name){"..", 2}, &parent, &before);
	if (!error && (char *)parent != root.block.contents + 12)
		error = EIO;
	if (!error)
		error = ext2_dir_append(directory, &leaf);
	if (!error) {
		ext2_leaf_fill(fs, leaf.contents, entries, count);
		error = ext2_dir_write(directory, &leaf);
	}
	if (!error) {
		ext2fs_set_rec_len(fs, fs->blocksize - 12, parent);
		memset(root.block.contents + ROOT_INFO, 0, fs->blocksize - ROOT_INFO);
		info = root_info(&root);
		info->hash_version = (uint8_t)version;
		info->info_length = sizeof(*info);
		root.entries = (struct ext2_dx_entry *)(void *)(info + 1);
		counts(&root)->limit = (uint16_t)room(fs, ROOT_INFO + (unsigned)sizeof(*info));
		counts(&root)->count = 1;
		root.entries[0].block = (uint32_t)leaf.logical;
		directory->data.small.i_flags |= EXT2_INDEX_FL;
		error = ext2_write_inode(directory->volume, directory->inode, &directory->data);
	}
	if (!error)
		error = ext2_dir_write(directory, &root.block);
	ext2_dir_release(&leaf);
	ext2_dir_release(&root.block);
	free(entries);
	return error;
}

/* --- Listing. */

void ext2_htree_list_free(struct dir_hashed_list *list)
{
	for (size_t i = 0; i < list->block_count; i++)
		ext2_dir_release(&list->blocks[i]);
	free(list->blocks);
	free(list->entries);
	memset(list, 0, sizeof(*list));
}

static int list_leaf(struct ext2_directory *directory, int version, uint64_t logical, struct dir_hashed_list *list)
{
	struct dir_block *blocks = realloc(list->blocks, (list->block_count + 1) * sizeof(*blocks));
	int error;

	if (!blocks)
		return ENOMEM;
	list->blocks = blocks;
	memset(&blocks[list->block_count], 0, sizeof(*blocks));
	error = ext2_dir_read(directory, logical, &blocks[list->block_count++]);
	return error ? error
		     : gather(directory->volume->fs, version, blocks[list->block_count - 1].contents, &list->entries,
			       &list->count);
}

int ext2_htree_list(struct ext2_directory *directory, uint32_t hash, struct dir_hashed_list *list)
{
	struct way way;
	int error;

	memset(list, 0, sizeof(*list));
	if (!ext2_is_indexed(directory)) {
		error = list_leaf(directory, directory->volume->fs->super->s_def_hash_version, 0, list);
	} else {
		error = read_root(directory, &way);
		if (!error)
			error = descend(directory, &way, 0, hash);
		while (!error) {
			const uint64_t leaf = below(&way.frames[way.last]);

			error = leaf && leaf < directory->blocks ? list_leaf(directory, way.version, leaf, list) : EIO;
			if (!error)
				error = go_on(directory, &way, &list->next);
			list->more = !error;
			if (!error && !(list->next & CONTINUED))
				break;
		}
		release(&way);
		if (error == ENOENT)
			error = 0;
	}
	if (!error && list->count)
		qsort(list->entries, list->count, sizeof(*list->entries), by_hash);
	return error;
}
