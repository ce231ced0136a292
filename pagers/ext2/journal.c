/* The journal on the disk: finding it, its superblock, writing transactions. */
#include "pagers/ext2/journal.h"
#include "pagers/filekit/backend.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	JOURNAL_RUN = 64, /* blocks of one write */
	SECTOR = 512,     /* what the medium writes as a whole or not at all */
	KNOWN = JBD2_INCOMPAT_REVOKE | JBD2_INCOMPAT_64BIT | JBD2_INCOMPAT_CSUM_V2 | JBD2_INCOMPAT_CSUM_V3,
};

uint32_t ext2_journal_checksum(uint32_t seed, const void *data, size_t size)
{
	return ext2fs_crc32c_le(seed, data, size);
}

size_t ext2_journal_tag_size(const struct ext2_journal *j)
{
	const uint32_t incompat = jbd2_get(j->super.incompat);

	if (incompat & JBD2_INCOMPAT_CSUM_V3)
		return sizeof(struct jbd2_tag3);
	return sizeof(struct jbd2_tag) + (incompat & JBD2_INCOMPAT_CSUM_V2 ? 2 : 0) -
	       (incompat & JBD2_INCOMPAT_64BIT ? 0 : 4);
}

/* --- Where it is. */

static int add_run(struct ext2_journal *j, uint32_t block, uint64_t place, uint32_t count)
{
	struct ext2_journal_run *last = j->run_count ? &j->runs[j->run_count - 1] : NULL, *more;
	const uint64_t blocks = ext2fs_blocks_count(j->fs->super);

	if (place <= j->fs->super->s_first_data_block || place >= blocks || count > blocks - place ||
		block != (last ? last->block + last->count : 0))
		return EIO;
	if (last && place == last->place + last->count) {
		last->count += count;
		return 0;
	}
	more = realloc(j->runs, (j->run_count + 1) * sizeof(*more));
	if (!more)
		return ENOMEM;
	j->runs = more;
	j->runs[j->run_count++] = (struct ext2_journal_run){place, block, count};
	return 0;
}

static int map_extents(struct ext2_journal *j, struct ext2_inode *inode, uint32_t blocks)
{
	ext2_extent_handle_t handle;
	struct ext2fs_extent extent;
	uint32_t mapped = 0;
	int operation = EXT2_EXTENT_ROOT, error = 0;

	if (ext2fs_extent_open2(j->fs, j->fs->super->s_journal_inum, inode, &handle))
		return EIO;
	while (mapped < blocks && !error && ext2fs_extent_get(handle, operation, &extent) == 0) {
		operation = EXT2_EXTENT_NEXT;
		if (!(extent.e_flags & EXT2_EXTENT_FLAGS_LEAF) || extent.e_flags & EXT2_EXTENT_FLAGS_SECOND_VISIT)
			continue;
		error = extent.e_flags & EXT2_EXTENT_FLAGS_UNINIT || extent.e_lblk != mapped
				? EIO
				: add_run(j, mapped, extent.e_pblk, extent.e_len);
		mapped += extent.e_len;
	}
	ext2fs_extent_free(handle);
	return error ? error : mapped < blocks ? EIO : 0;
}

static int map_pointers(struct ext2_journal *j, struct ext2_inode *inode, uint32_t blocks)
{
	int error = 0, flags;

	for (uint32_t block = 0; block < blocks && !error; block++) {
		blk64_t place = 0;

		if (ext2fs_bmap2(j->fs, j->fs->super->s_journal_inum, inode, NULL, 0, block, &flags, &place))
			return EIO;
		error = add_run(j, block, place, 1);
	}
	return error;
}

/* So many blocks from one on that lie together, as bytes on the device. */
static uint32_t locate(const struct ext2_journal *j, uint32_t block, uint32_t count, uint64_t *offset)
{
	const struct ext2_journal_run *run = j->runs;

	while (block >= run->block + run->count)
		run++;
	*offset = (run->place + (block - run->block)) * j->size;
	return count < run->block + run->count - block ? count : run->block + run->count - block;
}

int ext2_journal_read(struct ext2_journal *j, uint32_t block, void *data)
{
	uint64_t offset;

	locate(j, block, 1, &offset);
	return j->device->read(j->device, offset, j->size, data);
}

int ext2_journal_read_run(struct ext2_journal *j, uint32_t block, uint32_t *count, char **data)
{
	uint64_t offset;

	*count = locate(j, block, *count < JOURNAL_RUN ? *count : JOURNAL_RUN, &offset);
	*data = j->buffer;
	return j->device->read(j->device, offset, *count * j->size, j->buffer);
}

static int write_blocks(struct ext2_journal *j, uint32_t block, uint32_t count, const char *data)
{
	int error = 0;

	while (count && !error) {
		uint64_t offset;
		uint32_t n = locate(j, block, count, &offset);

		error = j->device->write(j->device, offset, n * j->size, data);
		block += n;
		count -= n;
		data += n * j->size;
	}
	return error;
}

/* --- Its superblock. */

static uint32_t super_checksum(const struct jbd2_superblock *super)
{
	struct jbd2_superblock copy = *super;

	copy.checksum = 0;
	return ext2_journal_checksum(~0u, &copy, sizeof(copy));
}

static bool has_checksums(const struct jbd2_superblock *super)
{
	return (jbd2_get(super->incompat) & (JBD2_INCOMPAT_CSUM_V2 | JBD2_INCOMPAT_CSUM_V3)) != 0;
}

static const char *check_super(const struct ext2_journal *j, uint32_t blocks)
{
	const struct jbd2_superblock *s = &j->super;
	const uint32_t first = jbd2_get(s->first), count = jbd2_get(s->blocks), start = jbd2_get(s->start);

	if (jbd2_get(s->header.magic) != JBD2_MAGIC || jbd2_get(s->header.type) != JBD2_SUPERBLOCK_V2)
		return "there is none of a kind that is known";
	if (jbd2_get(s->incompat) & ~(uint32_t)KNOWN || s->ro_compat)
		return "it has features that are not known";
	if (has_checksums(s) && (s->checksum_type != JBD2_CRC32C || jbd2_get(s->checksum) != super_checksum(s)))
		return "its checksum is wrong";
	if (jbd2_get(s->block_size) != j->size || count < JBD2_BLOCKS_MIN || count > blocks || !first ||
		first >= count - JBD2_BLOCKS_MIN / 2 || start >= count || (start && start < first))
		return "its figures cannot be";
	if (s->error)
		return "who had it last met an error";
	return NULL;
}

/* What follows from the superblock. */
static void take_super(struct ext2_journal *j)
{
	j->first = jbd2_get(j->super.first);
	j->end = jbd2_get(j->super.blocks);
	j->head = j->first;
	j->sequence = jbd2_get(j->super.sequence);
	j->checksums = has_checksums(&j->super);
	j->wide = (jbd2_get(j->super.incompat) & JBD2_INCOMPAT_64BIT) != 0;
	j->seed = ext2_journal_checksum(~0u, j->super.uuid, sizeof(j->super.uuid));
}

int ext2_journal_open(struct ext2_device *device, ext2_filsys fs, struct ext2_journal **opened, const char **why)
{
	struct ext2_journal *j = calloc(1, sizeof(*j));
	struct ext2_inode inode;
	uint64_t blocks = 0, offset;
	int error = j ? 0 : ENOMEM;

	*why = "no memory";
	if (error)
		return error;
	j->device = device;
	j->fs = fs;
	j->size = fs->blocksize;
	j->buffer = malloc(JOURNAL_RUN * j->size);
	error = j->buffer ? 0 : ENOMEM;
	if (!error) {
		*why = "its inode cannot be";
		error = fs->super->s_journal_inum && fs->super->s_journal_inum <= fs->super->s_inodes_count
				? ext2fs_read_inode(fs, fs->super->s_journal_inum, &inode) ? EIO : 0
				: EIO;
		blocks = error ? 0 : EXT2_I_SIZE(&inode) / j->size;
		if (blocks < JBD2_BLOCKS_MIN || blocks > UINT32_MAX || !LINUX_S_ISREG(inode.i_mode))
			error = EIO;
	}
	if (!error)
		error = inode.i_flags & EXT4_EXTENTS_FL ? map_extents(j, &inode, (uint32_t)blocks)
							: map_pointers(j, &inode, (uint32_t)blocks);
	if (!error) {
		*why = "it cannot be read";
		locate(j, 0, 1, &offset);
		error = device->read(device, offset, sizeof(j->super), &j->super);
	}
	if (!error) {
		*why = check_super(j, (uint32_t)blocks);
		error = *why ? EIO : 0;
	}
	if (error) {
		ext2_journal_free(j);
		return error;
	}
	take_super(j);
	*opened = j;
	return 0;
}

void ext2_journal_free(struct ext2_journal *j)
{
	if (!j)
		return;
	free(j->runs);
	free(j->buffer);
	free(j);
}

bool ext2_journal_is_empty(const struct ext2_journal *j)
{
	return j->super.start == 0;
}

/* Its first sector, or all of it. */
static int write_super(struct ext2_journal *j, uint32_t start, size_t size)
{
	uint64_t offset;

	j->super.start = jbd2_put(start);
	j->super.sequence = jbd2_put(j->sequence);
	if (j->checksums)
		j->super.checksum = jbd2_put(super_checksum(&j->super));
	locate(j, 0, 1, &offset);
	return j->device->write(j->device, offset, size, &j->super);
}

int ext2_journal_begin(struct ext2_journal *j)
{
	uint32_t incompat = JBD2_INCOMPAT_REVOKE;

	if (ext2fs_has_feature_64bit(j->fs->super))
		incompat |= JBD2_INCOMPAT_64BIT;
	if (ext2fs_has_feature_metadata_csum(j->fs->super)) {
		incompat |= JBD2_INCOMPAT_CSUM_V3;
		j->super.checksum_type = JBD2_CRC32C;
	}
	j->super.compat &= ~jbd2_put(JBD2_COMPAT_CHECKSUM);
	j->super.incompat = jbd2_put(incompat);
	j->super.head = 0;
	j->super.sequence = jbd2_put(j->sequence);
	take_super(j);
	return write_super(j, j->first, SECTOR);
}

int ext2_journal_end(struct ext2_journal *j)
{
	return write_super(j, 0, SECTOR);
}

/* --- Transactions. */

static uint32_t per_descriptor(const struct ext2_journal *j)
{
	return (uint32_t)((j->size - sizeof(struct jbd2_header) - JBD2_TAIL_SIZE) / ext2_journal_tag_size(j));
}

static uint32_t per_revoke(const struct ext2_journal *j)
{
	return (uint32_t)((j->size - sizeof(struct jbd2_revoke) - JBD2_TAIL_SIZE) / (j->wide ? 8 : 4));
}

uint32_t ext2_journal_need(const struct ext2_journal *j, unsigned count, unsigned revoked)
{
	return count + (count + per_descriptor(j) - 1) / per_descriptor(j) +
	       (revoked + per_revoke(j) - 1) / per_revoke(j) + 1;
}

static int write_buffer(struct ext2_journal *j)
{
	int error = write_blocks(j, j->head, j->buffered, j->buffer);

	j->head += j->buffered;
	j->buffered = 0;
	return error;
}

/* Room for one more block of the log, in order; written at the latest by write_buffer(). */
static char *next_block(struct ext2_journal *j, int *error)
{
	if (j->buffered == JOURNAL_RUN && !*error)
		*error = write_buffer(j);
	if (*error)
		j->buffered = 0; /* nothing counts any more */
	return j->buffer + j->buffered++ * j->size;
}

static void put_header(const struct ext2_journal *j, char *block, uint32_t type)
{
	memset(block, 0, j->size);
	*(struct jbd2_header *)(void *)block =
		(struct jbd2_header){jbd2_put(JBD2_MAGIC), jbd2_put(type), jbd2_put(j->sequence)};
}

static void put_tail(const struct ext2_journal *j, char *block)
{
	if (j->checksums)
		*(uint32_t *)(void *)(block + j->size - JBD2_TAIL_SIZE) =
			jbd2_put(ext2_journal_checksum(j->seed, block, j->size));
}

/* A block that begins like one of the journal's own is written with zeros there. */
static bool is_escaped(const void *data)
{
	uint32_t first;

	memcpy(&first, data, sizeof(first));
	return first == jbd2_put(JBD2_MAGIC);
}

static uint32_t data_checksum(const struct ext2_journal *j, const char *data)
{
	static const uint32_t zeros;
	uint32_t sequence = jbd2_put(j->sequence), sum;
	size_t skip = is_escaped(data) ? sizeof(zeros) : 0;

	if (!j->checksums)
		return 0;
	sum = ext2_journal_checksum(j->seed, &sequence, sizeof(sequence));
	sum = ext2_journal_checksum(sum, &zeros, skip);
	return ext2_journal_checksum(sum, data + skip, j->size - skip);
}

static void put_tag(const struct ext2_journal *j, char *at, const struct ext2_journal_block *b, bool last)
{
	const uint32_t flags =
		JBD2_TAG_SAME_UUID | (is_escaped(b->data) ? JBD2_TAG_ESCAPED : 0) | (last ? JBD2_TAG_LAST : 0);

	if (j->checksums)
		*(struct jbd2_tag3 *)(void *)at = (struct jbd2_tag3){jbd2_put((uint32_t)b->block), jbd2_put(flags),
			jbd2_put((uint32_t)(b->block >> 32)), jbd2_put(data_checksum(j, b->data))};
	else {
		const struct jbd2_tag tag = {jbd2_put((uint32_t)b->block), 0, htobe16((uint16_t)flags),
			jbd2_put((uint32_t)(b->block >> 32))};

		memcpy(at, &tag, ext2_journal_tag_size(j));
	}
}

/* One descriptor and its blocks; how many. */
static unsigned put_blocks(struct ext2_journal *j, const struct ext2_journal_block *blocks, unsigned count, int *error)
{
	unsigned n = count < per_descriptor(j) ? count : per_descriptor(j);
	char *block = next_block(j, error), *at = block + sizeof(struct jbd2_header);

	put_header(j, block, JBD2_DESCRIPTOR);
	for (unsigned i = 0; i < n; i++, at += ext2_journal_tag_size(j))
		put_tag(j, at, &blocks[i], i + 1 == n);
	put_tail(j, block);
	for (unsigned i = 0; i < n; i++) {
		block = next_block(j, error);
		memcpy(block, blocks[i].data, j->size);
		if (is_escaped(block))
			memset(block, 0, sizeof(uint32_t));
	}
	return n;
}

static unsigned put_revoked(struct ext2_journal *j, const uint64_t *revoked, unsigned count, int *error)
{
	unsigned n = count < per_revoke(j) ? count : per_revoke(j);
	char *block = next_block(j, error), *at = block + sizeof(struct jbd2_revoke);

	put_header(j, block, JBD2_REVOKE);
	for (unsigned i = 0; i < n; i++) {
		const uint64_t wide = htobe64(revoked[i]);
		const uint32_t narrow = jbd2_put((uint32_t)revoked[i]);

		memcpy(at, j->wide ? (const void *)&wide : &narrow, j->wide ? 8 : 4);
		at += j->wide ? 8 : 4;
	}
	((struct jbd2_revoke *)(void *)block)->bytes = jbd2_put((uint32_t)(at - block));
	put_tail(j, block);
	return n;
}

/* The sector by which the transaction before it counts. */
static int write_commit(struct ext2_journal *j, uint32_t place)
{
	struct jbd2_commit *commit = (void *)j->buffer;
	const int64_t now = fk_now();
	uint64_t offset;

	put_header(j, j->buffer, JBD2_COMMIT);
	commit->seconds = htobe64((uint64_t)(now / 1000000000));
	commit->nanoseconds = jbd2_put((uint32_t)(now % 1000000000));
	if (j->checksums)
		commit->checksum = jbd2_put(ext2_journal_checksum(j->seed, j->buffer, j->size));
	locate(j, place, 1, &offset);
	return j->device->write(j->device, offset, SECTOR, j->buffer);
}

int ext2_journal_commit(struct ext2_journal *j, const struct ext2_journal_block *blocks, unsigned count,
	const uint64_t *revoked, unsigned revoked_count)
{
	const uint32_t begin = j->head;
	unsigned i;
	int error = ext2_journal_need(j, count, revoked_count) > j->end - j->head ? ENOSPC : 0;

	j->buffered = 0;
	for (i = 0; i < count && !error;)
		i += put_blocks(j, blocks + i, count - i, &error);
	for (i = 0; i < revoked_count && !error;)
		i += put_revoked(j, revoked + i, revoked_count - i, &error);
	if (!error)
		memset(next_block(j, &error), 0, j->size);
	if (!error)
		error = write_buffer(j);
	if (!error)
		error = j->device->flush(j->device);
	if (!error)
		error = write_commit(j, j->head - 1);
	if (!error)
		error = j->device->flush(j->device);
	if (error)
		j->head = begin;
	else
		j->sequence++;
	return error;
}

int ext2_journal_erase_head(struct ext2_journal *j)
{
	static const char nothing[SECTOR];
	int error = 0;

	for (uint32_t block = j->head, count; block < j->end && !error; block += count) {
		char *data;

		count = j->end - block;
		error = ext2_journal_read_run(j, block, &count, &data);
		for (uint32_t i = 0; i < count && !error; i++) {
			const struct jbd2_header *header = (void *)(data + i * j->size);
			uint64_t offset;

			if (jbd2_get(header->magic) != JBD2_MAGIC || jbd2_get(header->type) != JBD2_COMMIT ||
				jbd2_get(header->sequence) != j->sequence)
				continue;
			locate(j, block + i, 1, &offset);
			error = j->device->write(j->device, offset, SECTOR, nothing);
		}
	}
	return error ? error : j->device->flush(j->device);
}
