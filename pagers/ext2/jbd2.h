/* A journal as it lies on the disk: kernel.org, "ext4 Data Structures and Algorithms", 3.6 Journal (jbd2). */
#ifndef EXT2_JBD2_H
#define EXT2_JBD2_H

#include <endian.h>
#include <stdint.h>

#define JBD2_MAGIC 0xc03b3998u

enum { JBD2_DESCRIPTOR = 1, JBD2_COMMIT = 2, JBD2_SUPERBLOCK_V2 = 4, JBD2_REVOKE = 5 };
enum { JBD2_TAG_ESCAPED = 1, JBD2_TAG_SAME_UUID = 2, JBD2_TAG_LAST = 8 };
enum { JBD2_COMPAT_CHECKSUM = 1 };
enum { JBD2_INCOMPAT_REVOKE = 1, JBD2_INCOMPAT_64BIT = 2, JBD2_INCOMPAT_CSUM_V2 = 8, JBD2_INCOMPAT_CSUM_V3 = 16 };
enum { JBD2_CRC32C = 4, JBD2_UUID_SIZE = 16, JBD2_TAIL_SIZE = 4, JBD2_BLOCKS_MIN = 1024 };

/* All numbers are big-endian: jbd2_get and jbd2_put. */
struct jbd2_header {
	uint32_t magic, type, sequence;
};

struct jbd2_superblock {
	struct jbd2_header header;
	uint32_t block_size, blocks, first;
	uint32_t sequence; /* of the first transaction that is in the log */
	uint32_t start;    /* where it begins; 0: the log is empty, and what is here is all */
	uint32_t error;
	uint32_t compat, incompat, ro_compat;
	uint8_t uuid[JBD2_UUID_SIZE];
	uint32_t users, dynamic_super, transaction_max, data_max;
	uint8_t checksum_type, unused[3];
	uint32_t fast_commit_blocks, head, unused2[40];
	uint32_t checksum;
	uint8_t user_uuids[48 * JBD2_UUID_SIZE];
};

/* Without JBD2_INCOMPAT_CSUM_V3; block_high only with JBD2_INCOMPAT_64BIT. With CSUM_V2 two bytes follow. */
struct jbd2_tag {
	uint32_t block;
	uint16_t checksum, flags;
	uint32_t block_high;
};

struct jbd2_tag3 {
	uint32_t block, flags, block_high, checksum;
};

struct jbd2_revoke {
	struct jbd2_header header;
	uint32_t bytes; /* with this; then numbers of blocks, of 4 bytes, or 8 with JBD2_INCOMPAT_64BIT */
};

struct jbd2_commit {
	struct jbd2_header header;
	uint8_t checksum_type, checksum_size, unused[2];
	uint32_t checksum, unused2[7];
	uint64_t seconds;
	uint32_t nanoseconds;
};

_Static_assert(sizeof(struct jbd2_superblock) == 1024, "as on the disk");

#endif
