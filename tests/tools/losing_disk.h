/* The log of what a disk was told, in order: a record, then `length` bytes of what was written or said. */
#ifndef TESTS_TOOLS_LOSING_DISK_H
#define TESTS_TOOLS_LOSING_DISK_H

#include <stdint.h>

enum losing_kind {
	LOSING_WRITE = 1, /* offset in bytes, and the bytes */
	LOSING_FLUSH,     /* what was written before is on the medium */
	LOSING_MARK,      /* a line that was said, with its end: what it speaks of is done */
};

struct losing_record {
	uint32_t kind, length;
	uint64_t offset;
};

#endif
