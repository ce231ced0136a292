/* The cache of blocks: see cache.h for what it promises when the program ends. */
#include "pagers/ext2/cache_internal.h"

#include <stdlib.h>
#include <string.h>

static struct block **chain_of(struct ext2_cache *c, uint64_t block)
{
	return &c->hash[(block ^ block >> 10) % HASH_SIZE];
}

struct block *ext2_cache_find(struct ext2_cache *c, uint64_t block)
{
	struct block *b = *chain_of(c, block);

	while (b && b->place->block != block)
		b = b->hash_next;
	return b;
}

static void make_newest(struct ext2_cache *c, struct block *b)
{
	if (c->newest == b)
		return;
	b->newer->older = b->older;
	if (b->older)
		b->older->newer = b->newer;
	else
		c->oldest = b->newer;
	b->older = c->newest;
	b->newer = NULL;
	c->newest->newer = b;
	c->newest = b;
}

void ext2_cache_insert(struct ext2_cache *c, struct block *b)
{
	struct block **chain = chain_of(c, b->place->block);

	b->hash_next = *chain;
	*chain = b;
}

void ext2_cache_set_dirty(struct ext2_cache *c, struct block *b, uint32_t dirty)
{
	c->dirty += (dirty != CLEAN) - (b->place->dirty != CLEAN);
	c->running += (dirty == RUNNING) - (b->place->dirty == RUNNING);
	b->place->dirty = dirty;
	in_order();
}

void ext2_cache_drop(struct ext2_cache *c, struct block *b)
{
	struct block **link = chain_of(c, b->place->block);

	while (*link != b)
		link = &(*link)->hash_next;
	*link = b->hash_next;
	b->place->valid = 0;
	in_order();
	ext2_cache_set_dirty(c, b, CLEAN);
	b->changing = false;
}

/* --- Writing. */

static int compare(const void *a, const void *b)
{
	uint64_t x = (*(struct block *const *)a)->place->block, y = (*(struct block *const *)b)->place->block;

	return x < y ? -1 : x > y;
}

unsigned ext2_cache_dirty(const struct ext2_cache *c)
{
	return c->dirty;
}

/* Valid blocks that are dirty in this way, or in any that may go to its place (CLEAN); in order. */
static unsigned collect(struct ext2_cache *c, uint32_t dirty, struct block *sorted[BLOCKS_MAX])
{
	unsigned count = 0;

	for (unsigned i = 0; i < c->count; i++) {
		struct block *b = &c->block[i];

		if (b->place->valid && b->place->dirty && !b->changing &&
			(dirty ? b->place->dirty == dirty : !c->journaled || b->place->dirty == COMMITTED))
			sorted[count++] = b;
	}
	qsort(sorted, count, sizeof(sorted[0]), compare);
	return count;
}

int ext2_cache_write_out(struct ext2_cache *c)
{
	struct block *sorted[BLOCKS_MAX];
	unsigned count, i, n;

	if (c->journaled ? c->dirty == c->running : !c->dirty)
		return 0;
	count = collect(c, CLEAN, sorted);
	for (i = 0; i < count; i += n) {
		const char *from = sorted[i]->data;
		uint64_t first = sorted[i]->place->block;
		unsigned k;
		int error;

		for (n = 1; i + n < count && n < RUN_BLOCKS && sorted[i + n]->place->block == first + n; n++)
			;
		if (n > 1) {
			for (k = 0; k < n; k++)
				memcpy(c->bounce + k * c->size, sorted[i + k]->data, c->size);
			from = c->bounce;
		}
		error = c->device->write(c->device, first * c->size, n * c->size, from);
		if (error)
			return error;
		for (k = 0; k < n; k++)
			ext2_cache_set_dirty(c, sorted[i + k], CLEAN);
	}
	return 0;
}

/* --- For the journal. */

void ext2_cache_use_journal(struct ext2_cache *c, int (*overflow)(void *context), void *context)
{
	c->journaled = true;
	c->overflow = overflow;
	c->overflow_context = context;
}

bool ext2_cache_is_journaled(const struct ext2_cache *c)
{
	return c->journaled;
}

int ext2_cache_write_through(struct ext2_cache *c, uint64_t offset, size_t size, const void *from)
{
	struct block *b = ext2_cache_find(c, offset / c->size);

	if (b)
		memcpy(b->data + offset % c->size, from, size);
	return c->device->write(c->device, offset, size, from);
}

unsigned ext2_cache_running(const struct ext2_cache *c)
{
	return c->running;
}

unsigned ext2_cache_blocks(const struct ext2_cache *c)
{
	return c->count;
}

unsigned ext2_cache_collect(struct ext2_cache *c, struct ext2_journal_block *blocks)
{
	struct block *sorted[BLOCKS_MAX];
	unsigned count = collect(c, RUNNING, sorted);

	for (unsigned i = 0; i < count; i++)
		blocks[i] = (struct ext2_journal_block){sorted[i]->place->block, sorted[i]->data};
	return count;
}

void ext2_cache_committed(struct ext2_cache *c)
{
	for (unsigned i = 0; i < c->count; i++)
		if (c->block[i].place->valid && c->block[i].place->dirty == RUNNING && !c->block[i].changing)
			ext2_cache_set_dirty(c, &c->block[i], COMMITTED);
}

void ext2_cache_forget_if(struct ext2_cache *c, bool (*unwanted)(void *context, uint64_t block), void *context)
{
	for (unsigned i = 0; i < c->count; i++)
		if (c->block[i].place->valid && unwanted(context, c->block[i].place->block))
			ext2_cache_drop(c, &c->block[i]);
}

struct ext2_journal_place ext2_cache_journal_place(const struct ext2_cache *c)
{
	return c->kept->journal[c->kept->journal_place];
}

void ext2_cache_set_journal_place(struct ext2_cache *c, struct ext2_journal_place place)
{
	const uint32_t other = !c->kept->journal_place;

	c->kept->journal[other] = place;
	in_order();
	*(volatile uint32_t *)&c->kept->journal_place = other;
	in_order();
}

/* --- Operations. */

/* The operation under way is too large for the record: what it has done so far stays. */
static void give_up_undo(struct ext2_cache *c)
{
	c->kept->too_large = 1;
	set_state(c->kept, c->kept->logged, 0);
	for (unsigned i = 0; i < c->count; i++)
		c->block[i].changing = false;
}

/* Before the block is changed, or (was_cached false) comes to be here with other contents than the device's. */
static void record(struct ext2_cache *c, struct block *b, bool was_cached)
{
	struct kept *kept = c->kept;
	uint32_t i = undo_count(kept);

	if (!c->is_kept || b->changing || kept->too_large)
		return;
	if (i == c->undo_max) {
		give_up_undo(c);
		return;
	}
	kept->undo[i] = (struct undo){b->place->block, was_cached, b->place->dirty};
	if (was_cached)
		memcpy(kept->before + i * c->size, b->data, c->size);
	set_state(kept, log_count(kept), i + 1);
	b->changing = true;
}

static void commit(struct ext2_cache *c, uint32_t logged)
{
	if (!c->is_kept)
		return;
	for (uint32_t i = 0; i < undo_count(c->kept); i++) {
		struct block *b = ext2_cache_find(c, c->kept->undo[i].block);

		if (b)
			b->changing = false;
	}
	set_state(c->kept, logged, 0);
	c->kept->too_large = 0;
}

void ext2_cache_commit(struct ext2_cache *c)
{
	commit(c, c->kept->logged);
}

void ext2_cache_commit_bitmaps(struct ext2_cache *c)
{
	commit(c, 0);
	c->kept->logged = 0;
	c->kept->log_lost = 0;
}

bool ext2_cache_is_kept(const struct ext2_cache *c)
{
	return c->is_kept;
}

void ext2_cache_log(struct ext2_cache *c, enum ext2_log_kind kind, uint64_t start, uint64_t count, bool in_use)
{
	struct kept *kept = c->kept;

	if (!c->is_kept)
		return;
	if (kept->logged == LOG_MAX) {
		kept->log_lost = 1;
		return;
	}
	kept->log[kept->logged] = (struct ext2_log){start, (uint32_t)count, (uint8_t)kind, in_use};
	in_order();
	kept->logged++;
	if (kept->too_large)
		set_state(kept, kept->logged, 0);
}

const struct ext2_log *ext2_cache_logged(const struct ext2_cache *c, unsigned *count, bool *lost)
{
	*count = log_count(c->kept);
	*lost = c->kept->log_lost;
	return c->kept->log;
}

bool ext2_cache_log_is_long(const struct ext2_cache *c)
{
	return c->is_kept && c->kept->logged >= LOG_MAX / 4;
}

/* --- Blocks. */

static bool must_stay(const struct ext2_cache *c, const struct block *b)
{
	return b->changing || (c->journaled && b->place->valid && b->place->dirty == RUNNING);
}

/* A place for a block that is not here; contents not set, not valid. */
static int take(struct ext2_cache *c, uint64_t block, struct block **taken)
{
	struct block *b = c->oldest;
	unsigned stay = 0;

	/* Those that must stay are out of the way for the next time. */
	while (must_stay(c, b) && stay++ < c->count) {
		make_newest(c, b);
		b = c->oldest;
	}
	if (must_stay(c, b)) {
		int error;

		give_up_undo(c);
		error = c->journaled ? c->overflow(c->overflow_context) : 0;
		if (error)
			return error;
	}
	if (b->place->valid && b->place->dirty) {
		int error = ext2_cache_write_out(c);

		if (error)
			return error;
	}
	if (b->place->valid)
		ext2_cache_drop(c, b);
	b->place->block = block;
	in_order();
	ext2_cache_insert(c, b);
	make_newest(c, b);
	*taken = b;
	return 0;
}

static void publish(struct block *b)
{
	in_order();
	b->place->valid = 1;
	in_order();
}

/* Takes back what take() did. */
static void untake(struct ext2_cache *c, struct block *b)
{
	ext2_cache_drop(c, b);
}

/* A block with its contents. */
static int get(struct ext2_cache *c, uint64_t block, struct block **got)
{
	struct block *b = ext2_cache_find(c, block);
	int error;

	if (b) {
		make_newest(c, b);
		*got = b;
		return 0;
	}
	error = take(c, block, &b);
	if (error)
		return error;
	error = c->device->read(c->device, block * c->size, c->size, b->data);
	if (error) {
		untake(c, b);
		return error;
	}
	publish(b);
	*got = b;
	return 0;
}

int ext2_cache_read(struct ext2_cache *c, uint64_t offset, size_t size, void *to)
{
	char *bytes = to;

	while (size) {
		size_t skip = offset % c->size, n = c->size - skip < size ? c->size - skip : size;
		struct block *b;
		int error = get(c, offset / c->size, &b);

		if (error)
			return error;
		memcpy(bytes, b->data + skip, n);
		bytes += n;
		offset += n;
		size -= n;
	}
	return 0;
}

int ext2_cache_write(struct ext2_cache *c, uint64_t offset, size_t size, const void *from)
{
	const char *bytes = from;

	while (size) {
		size_t skip = offset % c->size, n = c->size - skip < size ? c->size - skip : size;
		struct block *b = ext2_cache_find(c, offset / c->size);
		bool fresh = !b && n == c->size;
		int error = b ? 0 : fresh ? take(c, offset / c->size, &b) : get(c, offset / c->size, &b);

		if (error)
			return error;
		make_newest(c, b);
		if (!fresh && memcmp(b->data + skip, bytes, n) == 0) {
			bytes += n;
			offset += n;
			size -= n;
			continue;
		}
		record(c, b, !fresh);
		ext2_cache_set_dirty(c, b, RUNNING);
		memcpy(b->data + skip, bytes, n);
		if (fresh)
			publish(b);
		bytes += n;
		offset += n;
		size -= n;
	}
	return 0;
}

int ext2_cache_read_around(struct ext2_cache *c, uint64_t offset, size_t size, void *to)
{
	int error = c->device->read(c->device, offset, size, to);

	for (size_t at = 0; !error && at < size; at += c->size) {
		struct block *b = ext2_cache_find(c, (offset + at) / c->size);

		if (b)
			memcpy((char *)to + at, b->data, c->size);
	}
	return error;
}

int ext2_cache_write_around(struct ext2_cache *c, uint64_t offset, size_t size, const void *from)
{
	ext2_cache_forget(c, offset / c->size, size / c->size);
	return c->device->write(c->device, offset, size, from);
}

void ext2_cache_forget(struct ext2_cache *c, uint64_t block, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		struct block *b = ext2_cache_find(c, block + i);

		if (b)
			ext2_cache_drop(c, b);
	}
}
