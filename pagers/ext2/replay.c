/* Replaying a journal: what was committed and may not be in its place is put there. */
#include "pagers/ext2/journal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * The log is walked several times: to find its last commit; for the blocks that were revoked (freed, so that what the log
 * has of them from before is not wanted); to check, and to write. The first transaction without a valid commit is the
 * end: that is how a power cut leaves the log. But when a commit lies behind it that is no older, or its own has a wrong
 * checksum (it is one sector, and not torn), or a committed block has, the log is damaged. Then nothing is written, and
 * the file system must not be read either: blocks that the lost transactions have freed may hold others' contents.
 */
enum pass { SCAN, REVOKE, CHECK, WRITE };

struct revoked {
	uint64_t block;
	uint32_t sequence; /* the last transaction that revoked it */
	bool used;
};

struct replay {
	struct ext2_journal *journal;
	enum pass pass;
	uint32_t end; /* the first transaction that does not count */
	struct revoked *revoked;
	size_t revoked_count, revoked_room; /* a power of two */
	char *block, *data;
	const char *why;
};

/* Numbers of transactions wrap around. */
static bool is_after(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

static struct revoked *find_revoked(const struct replay *r, uint64_t block)
{
	size_t i = (block * 0x9e3779b97f4a7c15ull >> 20) & (r->revoked_room - 1);

	while (r->revoked[i].used && r->revoked[i].block != block)
		i = (i + 1) & (r->revoked_room - 1);
	return &r->revoked[i];
}

static int grow_revoked(struct replay *r)
{
	struct replay old = *r;

	r->revoked_room = old.revoked_room ? 2 * old.revoked_room : 256;
	r->revoked = calloc(r->revoked_room, sizeof(*r->revoked));
	if (!r->revoked) {
		*r = old;
		return ENOMEM;
	}
	for (size_t i = 0; i < old.revoked_room; i++)
		if (old.revoked[i].used)
			*find_revoked(r, old.revoked[i].block) = old.revoked[i];
	free(old.revoked);
	return 0;
}

static int add_revoked(struct replay *r, uint64_t block, uint32_t sequence)
{
	struct revoked *entry;
	int error = 2 * r->revoked_count >= r->revoked_room ? grow_revoked(r) : 0;

	if (error)
		return error;
	entry = find_revoked(r, block);
	r->revoked_count += !entry->used;
	if (!entry->used || is_after(sequence, entry->sequence))
		*entry = (struct revoked){block, sequence, true};
	return 0;
}

static bool is_revoked(const struct replay *r, uint64_t block, uint32_t sequence)
{
	const struct revoked *entry = r->revoked_room ? find_revoked(r, block) : NULL;

	return entry && entry->used && !is_after(sequence, entry->sequence);
}

/* The sum at the end of a descriptor or of a block of revoked numbers. */
static bool tail_is_good(const struct ext2_journal *j, char *block)
{
	uint32_t *tail = (uint32_t *)(void *)(block + j->size - JBD2_TAIL_SIZE);
	const uint32_t wanted = *tail;
	bool good;

	if (!j->checksums)
		return true;
	*tail = 0;
	good = jbd2_get(wanted) == ext2_journal_checksum(j->seed, block, j->size);
	*tail = wanted;
	return good;
}

static bool commit_is_good(const struct ext2_journal *j, char *block)
{
	struct jbd2_commit *commit = (void *)block;
	const uint32_t wanted = commit->checksum;

	if (!j->checksums)
		return true;
	commit->checksum = 0;
	return jbd2_get(wanted) == ext2_journal_checksum(j->seed, block, j->size);
}

struct tag {
	uint64_t block;
	uint32_t flags, checksum;
	bool has_checksum, short_checksum;
};

/* The tag at *at, which goes on to the next; false when there is none. */
static bool next_tag(const struct ext2_journal *j, const char *block, size_t *at, struct tag *tag)
{
	const size_t size = ext2_journal_tag_size(j), end = j->size - (j->checksums ? JBD2_TAIL_SIZE : 0);

	if (*at + size > end)
		return false;
	if (jbd2_get(j->super.incompat) & JBD2_INCOMPAT_CSUM_V3) {
		struct jbd2_tag3 t;

		memcpy(&t, block + *at, sizeof(t));
		*tag = (struct tag){jbd2_get(t.block), jbd2_get(t.flags), jbd2_get(t.checksum), true, false};
		tag->block |= j->wide ? (uint64_t)jbd2_get(t.block_high) << 32 : 0;
	} else {
		struct jbd2_tag t = {0};

		memcpy(&t, block + *at, j->wide ? sizeof(t) : sizeof(t) - sizeof(t.block_high));
		*tag = (struct tag){
			jbd2_get(t.block), be16toh(t.flags), be16toh(t.checksum), j->checksums, j->checksums};
		tag->block |= j->wide ? (uint64_t)jbd2_get(t.block_high) << 32 : 0;
	}
	*at += size + (tag->flags & JBD2_TAG_SAME_UUID ? 0 : JBD2_UUID_SIZE);
	return true;
}

static uint32_t after(const struct ext2_journal *j, uint32_t block)
{
	return block + 1 < j->end ? block + 1 : j->first;
}

/* A block of a committed transaction, from the log to its place. */
static int replay_block(struct replay *r, uint32_t from, uint32_t sequence, const struct tag *tag)
{
	struct ext2_journal *j = r->journal;
	const uint32_t wire = jbd2_put(sequence);
	uint32_t sum, magic = jbd2_put(JBD2_MAGIC);
	int error;

	if (is_revoked(r, tag->block, sequence))
		return 0;
	r->why = "it names a block that the file system does not have";
	if (tag->block < j->fs->super->s_first_data_block || tag->block >= ext2fs_blocks_count(j->fs->super))
		return EIO;
	r->why = "the disk fails";
	error = ext2_journal_read(j, from, r->data);
	if (error)
		return error;
	sum = ext2_journal_checksum(j->seed, &wire, sizeof(wire));
	sum = ext2_journal_checksum(sum, r->data, j->size);
	r->why = "a block that was committed has a wrong checksum";
	if (tag->has_checksum && tag->checksum != (tag->short_checksum ? sum & 0xffff : sum))
		return EIO;
	if (r->pass != WRITE)
		return 0;
	if (tag->flags & JBD2_TAG_ESCAPED)
		memcpy(r->data, &magic, sizeof(magic));
	r->why = "the disk fails";
	return j->device->write(j->device, tag->block * j->size, j->size, r->data);
}

/* The descriptor in r->block, at *block of the log; which goes on behind its blocks. */
static int walk_descriptor(struct replay *r, uint32_t *block, uint32_t sequence)
{
	struct ext2_journal *j = r->journal;
	size_t at = sizeof(struct jbd2_header);
	struct tag tag;
	int error = 0;

	*block = after(j, *block);
	while (!error && next_tag(j, r->block, &at, &tag)) {
		if (r->pass >= CHECK)
			error = replay_block(r, *block, sequence, &tag);
		*block = after(j, *block);
		if (tag.flags & JBD2_TAG_LAST)
			break;
	}
	return error;
}

static int walk_revoked(struct replay *r, uint32_t sequence)
{
	const struct ext2_journal *j = r->journal;
	const size_t size = j->wide ? 8 : 4, room = j->size - (j->checksums ? JBD2_TAIL_SIZE : 0);
	size_t end = jbd2_get(((struct jbd2_revoke *)(void *)r->block)->bytes);
	int error = 0;

	if (end > room)
		end = room;
	for (size_t at = sizeof(struct jbd2_revoke); at + size <= end && !error; at += size) {
		uint64_t wide;
		uint32_t narrow;

		memcpy(&wide, r->block + at, j->wide ? 8 : 4);
		memcpy(&narrow, r->block + at, 4);
		error = add_revoked(r, j->wide ? be64toh(wide) : jbd2_get(narrow), sequence);
	}
	return error;
}

/* Whether the log is damaged where the scan has ended: a commit of that transaction, or of a later one, follows. */
static int look_ahead(struct replay *r, uint32_t block)
{
	struct ext2_journal *j = r->journal;
	/* No transaction is longer than a quarter of the log. */
	uint32_t left = (j->end - j->first) / 4 + 1, count;

	for (; left; left -= count) {
		char *data;
		int error;

		count = left < j->end - block ? left : j->end - block;
		r->why = "the disk fails";
		error = ext2_journal_read_run(j, block, &count, &data);
		if (error)
			return error;
		r->why = "it is damaged";
		for (uint32_t i = 0; i < count; i++) {
			const struct jbd2_header *header = (void *)(data + i * j->size);

			if (jbd2_get(header->magic) == JBD2_MAGIC && jbd2_get(header->type) == JBD2_COMMIT &&
				!is_after(r->end, jbd2_get(header->sequence)))
				return EIO;
		}
		block = block + count < j->end ? block + count : j->first;
	}
	return 0;
}

/* One pass over the log. */
static int walk(struct replay *r, enum pass pass)
{
	struct ext2_journal *j = r->journal;
	uint32_t block = jbd2_get(j->super.start), sequence = jbd2_get(j->super.sequence);
	int error = 0;

	r->pass = pass;
	/* No more turns than the log has blocks: one that bites its own tail ends. */
	for (uint32_t turn = j->first; turn < j->end && !error; turn++) {
		const struct jbd2_header *header = (void *)r->block;

		if (pass != SCAN && sequence == r->end)
			break;
		r->why = "the disk fails";
		error = ext2_journal_read(j, block, r->block);
		if (error || jbd2_get(header->magic) != JBD2_MAGIC || jbd2_get(header->sequence) != sequence)
			break;
		if (jbd2_get(header->type) == JBD2_DESCRIPTOR && tail_is_good(j, r->block)) {
			error = walk_descriptor(r, &block, sequence);
			continue;
		}
		if (jbd2_get(header->type) == JBD2_COMMIT && commit_is_good(j, r->block))
			sequence++;
		else if (jbd2_get(header->type) != JBD2_REVOKE || !tail_is_good(j, r->block))
			break;
		else if (pass == REVOKE) {
			r->why = "no memory";
			error = walk_revoked(r, sequence);
		}
		block = after(j, block);
	}
	if (pass == SCAN)
		r->end = sequence;
	return error || pass != SCAN ? error : look_ahead(r, block);
}

int ext2_journal_replay(struct ext2_journal *j, const char **why)
{
	struct replay r = {.journal = j, .why = "no memory"};
	int error;

	r.block = malloc(j->size);
	r.data = malloc(j->size);
	error = !r.block || !r.data ? ENOMEM : ext2_journal_is_empty(j) ? 0 : walk(&r, SCAN);
	for (enum pass pass = REVOKE; pass <= WRITE && !error && !ext2_journal_is_empty(j); pass++)
		error = walk(&r, pass);
	if (!error && !ext2_journal_is_empty(j)) {
		r.why = "the disk fails";
		error = j->device->flush(j->device);
		/* What a transaction that was not committed has left must not look like one. */
		j->sequence = r.end + 1;
	}
	free(r.block);
	free(r.data);
	free(r.revoked);
	*why = error ? r.why : NULL;
	if (!error && !ext2_journal_is_empty(j))
		error = ext2_journal_end(j);
	return error;
}
