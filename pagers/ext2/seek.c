/* Where a file has contents, and where it has none. */
#include "pagers/ext2/ext2.h"

int ext2_seek(struct fk_volume *base, uint64_t inode, uint64_t offset, int wanted, uint64_t *result)
{
	struct ext2_volume *volume = ext2_volume(base);
	const uint64_t block_size = volume->fs->blocksize;
	uint64_t size, block = offset / block_size, end;
	union ext2_any_inode data;
	int error = ext2_read_inode(volume, inode, &data);

	if (error)
		return error;
	size = EXT2_I_SIZE(&data.small);
	if (!LINUX_S_ISREG(data.small.i_mode) || offset >= size)
		return ENXIO;
	end = (size + block_size - 1) / block_size;
	while (block < end) {
		struct ext2_run run;

		error = ext2_map(volume, inode, &data, block, end, &run);
		if (error)
			return error;
		if ((run.kind == EXT2_WRITTEN) == (wanted != 0)) {
			*result = block * block_size > offset ? block * block_size : offset;
			return 0;
		}
		block = run.end;
	}
	*result = size; /* the end is a hole */
	return wanted ? ENXIO : 0;
}
