/* The library's io_manager over a device: a cache of blocks, written back in order of their numbers. */
#include "pagers/ext2/ext2.h"

#include <stdlib.h>
#include <string.h>

enum {
	CACHE_BLOCKS = 512,
	HASH_SIZE = 1024,
	RUN_BLOCKS = 64,    /* most blocks of one write */
	DIRECT_BLOCKS = 16, /* a transfer of more goes around the cache */
};

struct cached_block {
	struct cached_block *hash_next;
	struct cached_block *newer, *older; /* by use */
	uint64_t block;
	int valid, dirty;
	char *data;
};

/*
 * The channel's private part. A block is in the hash chain of its number when valid; every block is in the list by use.
 * A dirty block differs from the device's and reaches it by write_dirty(): at a flush, or when a dirty one has to make
 * room.
 */
struct channel {
	struct ext2_device *device;
	struct cached_block blocks[CACHE_BLOCKS];
	struct cached_block *hash[HASH_SIZE];
	struct cached_block *newest, *oldest;
	char *memory; /* of all blocks, then RUN_BLOCKS more to write from */
	unsigned dirty;
	struct struct_io_stats statistics;
};

static struct ext2_device *next_device;

void ext2_io_set_device(struct ext2_device *device)
{
	next_device = device;
}

static struct cached_block **chain_of(struct channel *ch, uint64_t block)
{
	return &ch->hash[(block ^ block >> 10) % HASH_SIZE];
}

static struct cached_block *find(struct channel *ch, uint64_t block)
{
	struct cached_block *b = *chain_of(ch, block);

	while (b && b->block != block)
		b = b->hash_next;
	return b;
}

static void make_newest(struct channel *ch, struct cached_block *b)
{
	if (ch->newest == b)
		return;
	b->newer->older = b->older;
	if (b->older)
		b->older->newer = b->newer;
	else
		ch->oldest = b->newer;
	b->older = ch->newest;
	b->newer = NULL;
	ch->newest->newer = b;
	ch->newest = b;
}

static void drop(struct channel *ch, struct cached_block *b)
{
	struct cached_block **link = chain_of(ch, b->block);

	while (*link != b)
		link = &(*link)->hash_next;
	*link = b->hash_next;
	b->valid = 0;
	ch->dirty -= (unsigned)b->dirty;
	b->dirty = 0;
}

/* The device's part of [block, block + count), checked. */
static errcode_t check_range(io_channel channel, uint64_t block, uint64_t bytes)
{
	struct channel *ch = channel->private_data;
	uint64_t blocks = ch->device->size / (uint64_t)channel->block_size;

	if (block >= blocks || bytes > (blocks - block) * (uint64_t)channel->block_size)
		return EXT2_ET_SHORT_READ;
	return 0;
}

static int compare_blocks(const void *a, const void *b)
{
	const struct cached_block *x = *(struct cached_block *const *)a, *y = *(struct cached_block *const *)b;

	return x->block < y->block ? -1 : x->block > y->block;
}

static errcode_t write_dirty(io_channel channel)
{
	struct channel *ch = channel->private_data;
	struct cached_block *sorted[CACHE_BLOCKS];
	size_t size = (size_t)channel->block_size;
	char *bounce = ch->memory + CACHE_BLOCKS * size;
	unsigned count = 0, i, n;

	if (!ch->dirty)
		return 0;
	for (i = 0; i < CACHE_BLOCKS; i++)
		if (ch->blocks[i].valid && ch->blocks[i].dirty)
			sorted[count++] = &ch->blocks[i];
	qsort(sorted, count, sizeof(sorted[0]), compare_blocks);
	for (i = 0; i < count; i += n) {
		const char *from = sorted[i]->data;
		unsigned k;
		int error;

		for (n = 1; i + n < count && n < RUN_BLOCKS && sorted[i + n]->block == sorted[i]->block + n; n++)
			;
		if (n > 1) {
			for (k = 0; k < n; k++)
				memcpy(bounce + k * size, sorted[i + k]->data, size);
			from = bounce;
		}
		error = ch->device->write(ch->device, sorted[i]->block * size, n * size, from);
		if (error)
			return error;
		for (k = 0; k < n; k++)
			sorted[i + k]->dirty = 0;
		ch->dirty -= n;
		ch->statistics.bytes_written += n * size;
	}
	return 0;
}

/* A place in the cache for a block that is not there, contents not set. */
static errcode_t take(io_channel channel, uint64_t block, struct cached_block **taken)
{
	struct channel *ch = channel->private_data;
	struct cached_block *b = ch->oldest, **chain;

	if (b->valid && b->dirty) {
		errcode_t error = write_dirty(channel);

		if (error)
			return error;
	}
	if (b->valid)
		drop(ch, b);
	b->block = block;
	b->valid = 1;
	chain = chain_of(ch, block);
	b->hash_next = *chain;
	*chain = b;
	make_newest(ch, b);
	*taken = b;
	return 0;
}

/* A block with its contents. */
static errcode_t get(io_channel channel, uint64_t block, struct cached_block **got)
{
	struct channel *ch = channel->private_data;
	size_t size = (size_t)channel->block_size;
	struct cached_block *b = find(ch, block);
	errcode_t error;

	if (b) {
		make_newest(ch, b);
		*got = b;
		return 0;
	}
	error = take(channel, block, &b);
	if (error)
		return error;
	error = ch->device->read(ch->device, block * size, size, b->data);
	if (error) {
		drop(ch, b);
		return error;
	}
	ch->statistics.bytes_read += size;
	*got = b;
	return 0;
}

static errcode_t lay_out(io_channel channel, int block_size)
{
	struct channel *ch = channel->private_data;
	char *memory = calloc(CACHE_BLOCKS + RUN_BLOCKS, (size_t)block_size);
	unsigned i;

	if (!memory)
		return EXT2_ET_NO_MEMORY;
	free(ch->memory);
	ch->memory = memory;
	memset(ch->hash, 0, sizeof(ch->hash));
	memset(ch->blocks, 0, sizeof(ch->blocks));
	for (i = 0; i < CACHE_BLOCKS; i++) {
		ch->blocks[i].data = memory + i * (size_t)block_size;
		ch->blocks[i].older = i + 1 < CACHE_BLOCKS ? &ch->blocks[i + 1] : NULL;
		ch->blocks[i].newer = i ? &ch->blocks[i - 1] : NULL;
	}
	ch->newest = &ch->blocks[0];
	ch->oldest = &ch->blocks[CACHE_BLOCKS - 1];
	ch->dirty = 0;
	channel->block_size = block_size;
	return 0;
}

static errcode_t io_close(io_channel channel)
{
	struct channel *ch = channel->private_data;
	errcode_t error;

	if (--channel->refcount > 0)
		return 0;
	error = write_dirty(channel);
	free(ch->memory);
	free(ch);
	free(channel->name);
	free(channel);
	return error;
}

static errcode_t io_open(const char *name, int flags, io_channel *opened)
{
	io_channel channel = calloc(1, sizeof(*channel));
	struct channel *ch = calloc(1, sizeof(*ch));

	(void)flags;
	if (!channel || !ch || !(channel->name = strdup(name))) {
		free(channel);
		free(ch);
		return EXT2_ET_NO_MEMORY;
	}
	channel->magic = EXT2_ET_MAGIC_IO_CHANNEL;
	channel->manager = &ext2_io_manager;
	channel->refcount = 1;
	channel->private_data = ch;
	ch->device = next_device;
	ch->statistics.num_fields = 2;
	if (lay_out(channel, 1024)) {
		io_close(channel);
		return EXT2_ET_NO_MEMORY;
	}
	*opened = channel;
	return 0;
}

static errcode_t io_set_blksize(io_channel channel, int block_size)
{
	errcode_t error = block_size == channel->block_size ? 0 : write_dirty(channel);

	if (error || block_size == channel->block_size)
		return error;
	if (block_size < 1024 || block_size > 65536)
		return EXT2_ET_INVALID_ARGUMENT;
	return lay_out(channel, block_size);
}

/* count: blocks, or bytes when negative. */
static errcode_t io_read(io_channel channel, unsigned long long block, int count, void *data)
{
	struct channel *ch = channel->private_data;
	size_t size = (size_t)channel->block_size, bytes = count < 0 ? (size_t)-count : (size_t)count * size;
	char *to = data;
	errcode_t error = check_range(channel, block, bytes);

	if (error)
		return error;
	if (count > DIRECT_BLOCKS) {
		error = write_dirty(channel);
		if (!error)
			error = ch->device->read(ch->device, block * size, bytes, data);
		ch->statistics.bytes_read += bytes;
		return error;
	}
	while (bytes) {
		size_t n = bytes < size ? bytes : size;
		struct cached_block *b;

		error = get(channel, block, &b);
		if (error)
			return error;
		memcpy(to, b->data, n);
		to += n;
		bytes -= n;
		block++;
	}
	return 0;
}

static errcode_t io_write(io_channel channel, unsigned long long block, int count, const void *data)
{
	struct channel *ch = channel->private_data;
	size_t size = (size_t)channel->block_size, bytes = count < 0 ? (size_t)-count : (size_t)count * size;
	const char *from = data;
	errcode_t error = check_range(channel, block, bytes);

	if (error)
		return error;
	if (count > DIRECT_BLOCKS) {
		ext2_io_forget(channel, block, (uint64_t)count);
		ch->statistics.bytes_written += bytes;
		return ch->device->write(ch->device, block * size, bytes, data);
	}
	while (bytes) {
		size_t n = bytes < size ? bytes : size;
		struct cached_block *b = find(ch, block);

		if (b)
			make_newest(ch, b);
		else if ((error = n < size ? get(channel, block, &b) : take(channel, block, &b)) != 0)
			return error;
		memcpy(b->data, from, n);
		ch->dirty += !b->dirty;
		b->dirty = 1;
		from += n;
		bytes -= n;
		block++;
	}
	return 0;
}

static errcode_t io_read_32(io_channel channel, unsigned long block, int count, void *data)
{
	return io_read(channel, block, count, data);
}

static errcode_t io_write_32(io_channel channel, unsigned long block, int count, const void *data)
{
	return io_write(channel, block, count, data);
}

static errcode_t io_write_byte(io_channel channel, unsigned long offset, int count, const void *data)
{
	struct channel *ch = channel->private_data;
	size_t size = (size_t)channel->block_size;
	const char *from = data;

	while (count > 0) {
		size_t at = offset % size, n = size - at < (size_t)count ? size - at : (size_t)count;
		struct cached_block *b;
		errcode_t error = check_range(channel, offset / size, 1);

		if (!error)
			error = get(channel, offset / size, &b);
		if (error)
			return error;
		memcpy(b->data + at, from, n);
		ch->dirty += !b->dirty;
		b->dirty = 1;
		from += n;
		offset += n;
		count -= (int)n;
	}
	return 0;
}

static errcode_t io_flush(io_channel channel)
{
	struct channel *ch = channel->private_data;
	errcode_t error = write_dirty(channel);

	return error ? error : ch->device->flush(ch->device);
}

static errcode_t io_zeroout(io_channel channel, unsigned long long block, unsigned long long count)
{
	struct channel *ch = channel->private_data;
	size_t size = (size_t)channel->block_size;
	errcode_t error =
		count > ch->device->size / size ? EXT2_ET_SHORT_WRITE : check_range(channel, block, count * size);
	char *zeros = error ? NULL : calloc(RUN_BLOCKS, size);

	if (error)
		return error;
	if (!zeros)
		return EXT2_ET_NO_MEMORY;
	ext2_io_forget(channel, block, count);
	while (count && !error) {
		unsigned long long n = count < RUN_BLOCKS ? count : RUN_BLOCKS;

		error = ch->device->write(ch->device, block * size, n * size, zeros);
		block += n;
		count -= n;
	}
	free(zeros);
	return error;
}

void ext2_io_forget(io_channel channel, uint64_t block, uint64_t count)
{
	struct channel *ch = channel->private_data;
	uint64_t i;

	for (i = 0; i < count; i++) {
		struct cached_block *b = find(ch, block + i);

		if (b)
			drop(ch, b);
	}
}

static errcode_t io_get_stats(io_channel channel, io_stats *statistics)
{
	struct channel *ch = channel->private_data;

	if (statistics)
		*statistics = &ch->statistics;
	return 0;
}

struct struct_io_manager ext2_io_manager = {
	.magic = EXT2_ET_MAGIC_IO_MANAGER,
	.name = "portolan block device",
	.open = io_open,
	.close = io_close,
	.set_blksize = io_set_blksize,
	.read_blk = io_read_32,
	.write_blk = io_write_32,
	.flush = io_flush,
	.write_byte = io_write_byte,
	.get_stats = io_get_stats,
	.read_blk64 = io_read,
	.write_blk64 = io_write,
	.zeroout = io_zeroout,
};
