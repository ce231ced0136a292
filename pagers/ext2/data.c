/* The contents of files: blocks to pages and back, in runs as long as the disk has them. */
#include "pagers/ext2/ext2.h"

#include <string.h>

/* A run in bytes. */
struct run {
	uint64_t offset, length;
	uint64_t device; /* where, when kind is not EXT2_HOLE */
	enum ext2_run_kind kind;
};

typedef int (*map_t)(struct ext2_volume *, uint64_t, union ext2_any_inode *, uint64_t, uint64_t, struct ext2_run *);

/* The run at offset, up to `end`: by ext2_map or ext2_map_again. */
static int map_run(map_t map, struct ext2_volume *volume, uint64_t inode, union ext2_any_inode *data, uint64_t offset,
	uint64_t end, struct run *run)
{
	const uint64_t block_size = volume->fs->blocksize;
	struct ext2_run blocks;
	int error = map(volume, inode, data, offset / block_size, (end + block_size - 1) / block_size, &blocks);

	if (error)
		return error;
	run->kind = blocks.kind;
	run->offset = offset;
	run->length = (blocks.end * block_size < end ? blocks.end * block_size : end) - offset;
	run->device = blocks.device * block_size + offset % block_size;
	return 0;
}

/* A page made of several runs. */
static int read_page(
	struct ext2_volume *volume, uint64_t inode, union ext2_any_inode *data, uint64_t offset, char *page)
{
	uint64_t at = offset;

	while (at < offset + FK_PAGE_SIZE) {
		struct run run;
		int error = map_run(ext2_map_again, volume, inode, data, at, offset + FK_PAGE_SIZE, &run);

		if (!error && run.kind == EXT2_WRITTEN)
			error = volume->device->read(volume->device, run.device, run.length, page + (at - offset));
		if (error)
			return error;
		at += run.length;
	}
	return 0;
}

int ext2_read(struct fk_volume *base, uint64_t inode, uint64_t offset, size_t length, fk_emit_t emit, void *context)
{
	struct ext2_volume *volume = ext2_volume(base);
	union ext2_any_inode data;
	uint64_t size, end = offset + length, data_end;
	int error = ext2_read_inode(volume, inode, &data);

	if (error)
		return error;
	size = EXT2_I_SIZE(&data.small);
	data_end = FK_ROUND_PAGE(size);
	while (offset < end) {
		struct run run;
		uint64_t n;
		void *pages = NULL;

		error = map_run(
			ext2_map_again, volume, inode, &data, offset, offset < data_end && data_end < end ? data_end : end, &run);
		if (error)
			return error;
		n = run.length & ~(uint64_t)(FK_PAGE_SIZE - 1);
		if (n && run.kind == EXT2_HOLE) {
			pages = FK_HOLE;
		} else if (offset >= data_end) {
			/* Allocated ahead: whatever is on the disk, it is not the file's. */
			n = n ? n : FK_PAGE_SIZE;
		} else if (n && run.kind == EXT2_WRITTEN) {
			error = volume->device->read_pages(volume->device, run.device, n, &pages);
		} else if (!n) {
			n = FK_PAGE_SIZE;
			pages = pk_pages_allocate(n);
			error = pages ? read_page(volume, inode, &data, offset, pages) : ENOMEM;
			if (error)
				pk_pages_free(pages, n);
		}
		if (error)
			return error;
		if (pages && pages != FK_HOLE && offset + n > size)
			memset((char *)pages + (size - offset), 0, offset + n - size);
		emit(context, offset, pages, n);
		offset += n;
	}
	return 0;
}

/* Blocks of a run that was unwritten, now that their contents are on the device. */
static int mark_written(struct ext2_volume *volume, uint64_t inode, union ext2_any_inode *data, const struct run *run)
{
	uint64_t block_size = volume->fs->blocksize, at;
	ext2_extent_handle_t handle;
	int error = ext2_errno(ext2fs_extent_open2(volume->fs, (ext2_ino_t)inode, &data->small, &handle));

	if (error)
		return error;
	for (at = 0; at < run->length && !error; at += block_size)
		error = ext2_errno(ext2fs_extent_set_bmap(
			handle, (run->offset + at) / block_size, (run->device + at) / block_size, 0));
	ext2fs_extent_free(handle);
	if (!error)
		error = ext2_write_inode(volume, inode, data); /* a split of the tree takes a block */
	return error;
}

/* Blocks for a hole: what was not promised by allocate() is allocated when it comes. */
static int fill_hole(struct ext2_volume *volume, uint64_t inode, union ext2_any_inode *data, const struct run *run)
{
	uint64_t block_size = volume->fs->blocksize, at;
	int error = 0, flags;

	ext2_inode_changed(volume, inode, false);
	for (at = 0; at < run->length && !error; at += block_size) {
		blk64_t physical;

		error = ext2_errno(ext2fs_bmap2(volume->fs, (ext2_ino_t)inode, &data->small, NULL, BMAP_ALLOC,
			(run->offset + at) / block_size, &flags, &physical));
	}
	return error;
}

int ext2_write(struct fk_volume *base, uint64_t inode, uint64_t offset, void *pages, size_t length)
{
	struct ext2_volume *volume = ext2_volume(base);
	uint64_t block_size = volume->fs->blocksize, at = offset, end, size;
	union ext2_any_inode data;
	int error = ext2_begin_change(volume);

	if (!error)
		error = ext2_read_inode(volume, inode, &data);
	if (!error && !LINUX_S_ISREG(data.small.i_mode))
		error = EINVAL;
	if (error)
		goto out;
	size = EXT2_I_SIZE(&data.small);
	end = offset + length;
	if (size < end && size > offset)
		memset((char *)pages + (size - offset), 0, end - size);
	if (end > (size + block_size - 1) / block_size * block_size)
		end = (size + block_size - 1) / block_size * block_size;
	while (at < end && !error) {
		struct run run;

		error = map_run(ext2_map, volume, inode, &data, at, end, &run);
		if (!error && run.kind == EXT2_HOLE) {
			error = fill_hole(volume, inode, &data, &run);
			if (!error)
				error = map_run(ext2_map, volume, inode, &data, at, at + run.length, &run);
			if (!error && run.kind == EXT2_HOLE)
				error = EIO;
		}
		if (!error) {
			ext2_io_forget(
				volume->fs->io, run.device / block_size, (run.length + block_size - 1) / block_size);
			error = volume->device->write(
				volume->device, run.device, run.length, (char *)pages + (at - offset));
		}
		if (!error && run.kind == EXT2_UNWRITTEN)
			error = mark_written(volume, inode, &data, &run);
		at += run.length;
	}
out:
	if (!error)
		pk_pages_free(pages, length);
	return error;
}
