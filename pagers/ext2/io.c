/* The library's io_manager over the cache of blocks. */
#include "pagers/ext2/ext2.h"

#include <stdlib.h>
#include <string.h>

enum {
	FIRST_BLOCK_SIZE = 1024,
	DIRECT_BLOCKS = 16, /* a transfer of more goes around the cache */
	ZERO_BLOCKS = 64,   /* of one write */
};

/* The channel's private part. Its block size is what the library counts in; the cache's may differ while it is opened.
 */
struct channel {
	struct ext2_device *device;
	struct ext2_cache *cache;
	bool old, whole;
	struct struct_io_stats statistics;
};

static struct ext2_device *next_device;

void ext2_io_set_device(struct ext2_device *device)
{
	next_device = device;
}

struct ext2_cache *ext2_io_cache(io_channel channel, bool *old, bool *whole)
{
	struct channel *ch = channel->private_data;

	*old = ch->old;
	*whole = ch->whole;
	return ch->cache;
}

/* Where the blocks are, in bytes, if they are on the device. */
static errcode_t check_range(io_channel channel, uint64_t block, uint64_t bytes, uint64_t *offset)
{
	struct channel *ch = channel->private_data;
	uint64_t blocks = ch->device->size / (uint64_t)channel->block_size;

	if (block >= blocks || bytes > (blocks - block) * (uint64_t)channel->block_size)
		return EXT2_ET_SHORT_READ;
	*offset = block * (uint64_t)channel->block_size;
	return 0;
}

static errcode_t io_close(io_channel channel)
{
	struct channel *ch = channel->private_data;
	errcode_t error = 0;

	if (--channel->refcount > 0)
		return 0;
	if (ch->cache)
		error = (ext2_cache_close(ch->cache));
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
	channel->block_size = FIRST_BLOCK_SIZE;
	ch->device = next_device;
	ch->statistics.num_fields = 2;
	ch->cache = ext2_cache_open(ch->device, &ch->old, &ch->whole);
	if (!ch->cache) {
		io_close(channel);
		return EXT2_ET_NO_MEMORY;
	}
	*opened = channel;
	return 0;
}

static errcode_t io_set_blksize(io_channel channel, int block_size)
{
	struct channel *ch = channel->private_data;
	errcode_t error;

	if (block_size < 1024 || block_size > 65536)
		return EXT2_ET_INVALID_ARGUMENT;
	error = (ext2_cache_set_block_size(ch->cache, (size_t)block_size));
	if (!error)
		channel->block_size = block_size;
	return error;
}

/* Blocks that the cache counts as the library does, and too many for it. */
static bool is_large(io_channel channel, int count)
{
	struct channel *ch = channel->private_data;

	return count > DIRECT_BLOCKS && (size_t)channel->block_size == ext2_cache_block_size(ch->cache) &&
	       !ext2_cache_is_journaled(ch->cache);
}

/* count: blocks, or bytes when negative. */
static errcode_t io_read(io_channel channel, unsigned long long block, int count, void *data)
{
	struct channel *ch = channel->private_data;
	size_t bytes = count < 0 ? (size_t)-count : (size_t)count * (size_t)channel->block_size;
	uint64_t offset;
	errcode_t error = check_range(channel, block, bytes, &offset);

	if (error)
		return error;
	ch->statistics.bytes_read += bytes;
	return (is_large(channel, count) ? ext2_cache_read_around(ch->cache, offset, bytes, data)
					 : ext2_cache_read(ch->cache, offset, bytes, data));
}

static errcode_t io_write(io_channel channel, unsigned long long block, int count, const void *data)
{
	struct channel *ch = channel->private_data;
	size_t bytes = count < 0 ? (size_t)-count : (size_t)count * (size_t)channel->block_size;
	uint64_t offset;
	errcode_t error = check_range(channel, block, bytes, &offset);

	if (error)
		return error;
	ch->statistics.bytes_written += bytes;
	return (is_large(channel, count) ? ext2_cache_write_around(ch->cache, offset, bytes, data)
					 : ext2_cache_write(ch->cache, offset, bytes, data));
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

	if (count < 0 || offset > ch->device->size || (uint64_t)count > ch->device->size - offset)
		return EXT2_ET_SHORT_WRITE;
	return (ext2_cache_write(ch->cache, offset, (size_t)count, data));
}

/* Of a kept cache, or one with a journal, the library's flush is a part of an operation: sync writes when that is
 * complete. */
static errcode_t io_flush(io_channel channel)
{
	struct channel *ch = channel->private_data;
	int error;

	if (ext2_cache_is_kept(ch->cache) || ext2_cache_is_journaled(ch->cache))
		return 0;
	error = ext2_cache_write_out(ch->cache);
	return (error ? error : ch->device->flush(ch->device));
}

static errcode_t io_zeroout(io_channel channel, unsigned long long block, unsigned long long count)
{
	struct channel *ch = channel->private_data;
	size_t size = (size_t)channel->block_size;
	uint64_t offset;
	errcode_t error = count > ch->device->size / size ? EXT2_ET_SHORT_WRITE
							  : check_range(channel, block, count * size, &offset);
	char *zeros = error ? NULL : calloc(ZERO_BLOCKS, size);

	if (error)
		return error;
	if (!zeros)
		return EXT2_ET_NO_MEMORY;
	while (count && !error) {
		unsigned long long n = count < ZERO_BLOCKS ? count : ZERO_BLOCKS;

		error = (ext2_cache_write_around(ch->cache, offset, n * size, zeros));
		offset += n * size;
		count -= n;
	}
	free(zeros);
	return error;
}

void ext2_io_forget(io_channel channel, uint64_t block, uint64_t count)
{
	struct channel *ch = channel->private_data;

	ext2_cache_forget(ch->cache, block, count);
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
