/* A superblock that a power cut has torn: its sectors are of different times, and its checksum says so. */
#include "pagers/ext2/ext2.h"

#include <stddef.h>

/*
 * Two writes may be torn. When the file system is opened and stopped one flag is changed, and the checksum: then the
 * checksum is right with the flag as it is not. All other changes of the superblock go through the journal, which has it
 * as a whole.
 */
static int mend_flag(struct ext2_device *device, bool *mended)
{
	struct ext2_super_block super;
	int error = device->read(device, SUPERBLOCK_OFFSET, sizeof(super), &super);

	*mended = false;
	if (error)
		return error;
	super.s_feature_incompat ^= EXT3_FEATURE_INCOMPAT_RECOVER;
	if (super.s_checksum != ext2fs_crc32c_le(~0u, (void *)&super, offsetof(struct ext2_super_block, s_checksum)))
		return 0;
	*mended = true;
	error = device->write(device, SUPERBLOCK_OFFSET, sizeof(super), &super);
	return error ? error : device->flush(device);
}

int ext2_mend_super(struct ext2_device *device, ext2_filsys fs)
{
	struct ext2_journal *journal;
	const char *why;
	bool mended;
	int error = mend_flag(device, &mended);

	if (error || mended)
		return error;
	if (!ext2fs_has_feature_journal(fs->super))
		return EIO;
	error = ext2_journal_open(device, fs, &journal, &why);
	if (error)
		return error;
	error = ext2_journal_is_empty(journal) ? EIO : ext2_journal_replay(journal, &why);
	ext2_journal_free(journal);
	return error;
}
