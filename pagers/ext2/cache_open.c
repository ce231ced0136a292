/* Opening and closing the cache of blocks: taking over what an earlier program has left. */
#include "pagers/ext2/cache_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Lists of the blocks as the memory has them. */
static void lay_out(struct ext2_cache *c)
{
	unsigned i;

	c->size = c->kept->block_size;
	c->count = DATA_BYTES / c->size < BLOCKS_MAX ? (unsigned)(DATA_BYTES / c->size) : BLOCKS_MAX;
	c->undo_max = UNDO_BYTES / c->size < UNDO_MAX ? (unsigned)(UNDO_BYTES / c->size) : UNDO_MAX;
	c->dirty = c->running = 0;
	memset(c->hash, 0, sizeof(c->hash));
	for (i = 0; i < c->count; i++) {
		struct block *b = &c->block[i];

		b->place = &c->kept->place[i];
		b->data = c->kept->data + i * c->size;
		b->changing = false;
		b->older = i + 1 < c->count ? &c->block[i + 1] : NULL;
		b->newer = i ? &c->block[i - 1] : NULL;
		if (!b->place->valid)
			b->place->dirty = CLEAN;
		c->dirty += b->place->dirty != CLEAN;
		c->running += b->place->dirty == RUNNING;
		if (b->place->valid)
			ext2_cache_insert(c, b);
	}
	c->newest = &c->block[0];
	c->oldest = &c->block[c->count - 1];
}

/* Takes back the operation that was under way; may be done again when this program ends meanwhile, too. */
static void undo(struct ext2_cache *c)
{
	struct kept *kept = c->kept;

	for (uint32_t i = undo_count(kept); i-- > 0;) {
		struct undo *u = &kept->undo[i];
		struct block *b = ext2_cache_find(c, u->block);

		/* One that was written around since holds contents of a file now, or is free. */
		if (!b)
			continue;
		if (!u->was_cached) {
			ext2_cache_drop(c, b);
			continue;
		}
		memcpy(b->data, kept->before + i * c->size, c->size);
		ext2_cache_set_dirty(c, b, u->was_dirty);
	}
	set_state(kept, log_count(kept), 0);
	kept->logged = log_count(kept);
}

static void format(struct kept *kept, uint64_t device_size, size_t block_size)
{
	kept->magic = 0;
	in_order();
	memset(kept->place, 0, sizeof(kept->place));
	kept->device_size = device_size;
	kept->block_size = block_size;
	kept->state = 0;
	kept->logged = kept->too_large = kept->log_lost = 0;
}

static int new_bounce(struct ext2_cache *c)
{
	free(c->bounce);
	c->bounce = malloc(RUN_BLOCKS * c->size);
	return c->bounce ? 0 : ENOMEM;
}

struct ext2_cache *ext2_cache_open(struct ext2_device *device, bool *old, bool *whole)
{
	struct ext2_cache *c = calloc(1, sizeof(*c));

	*old = false;
	*whole = true;
	if (!c)
		return NULL;
	c->device = device;
	c->is_kept = device->kept != NULL;
	c->kept = c->is_kept ? device->kept : calloc(1, sizeof(*c->kept));
	if (!c->kept) {
		free(c);
		return NULL;
	}
	if (c->is_kept && c->kept->magic == MAGIC && c->kept->device_size == device->size) {
		*old = c->old = true;
		*whole = !c->kept->too_large && !c->kept->log_lost;
	} else {
		format(c->kept, device->size, FIRST_BLOCK_SIZE);
	}
	lay_out(c);
	if (c->old)
		undo(c);
	if (new_bounce(c)) {
		if (!c->is_kept)
			free(c->kept);
		free(c);
		return NULL;
	}
	return c;
}

int ext2_cache_set_block_size(struct ext2_cache *c, size_t size)
{
	int error = 0;

	if (size == c->size || c->old)
		return 0;
	ext2_cache_commit(c);
	error = ext2_cache_write_out(c);
	if (error)
		return error;
	format(c->kept, c->device->size, size);
	lay_out(c);
	return new_bounce(c);
}

size_t ext2_cache_block_size(const struct ext2_cache *c)
{
	return c->size;
}

void ext2_cache_mount(struct ext2_cache *c)
{
	in_order();
	c->kept->magic = MAGIC;
}

int ext2_cache_close(struct ext2_cache *c)
{
	int error;

	ext2_cache_commit(c);
	error = ext2_cache_write_out(c);
	/* What is written is the device's; nothing is left for another program. */
	c->kept->magic = 0;
	free(c->bounce);
	if (!c->is_kept)
		free(c->kept);
	free(c);
	return error;
}
