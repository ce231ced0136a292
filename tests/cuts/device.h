/* A device in memory that notes what it is told, and may fail. */
#ifndef TESTS_CUTS_DEVICE_H
#define TESTS_CUTS_DEVICE_H

#include "pagers/ext2/device.h"
#include "tests/cuts/history.h"

struct cuts_device {
	struct ext2_device device;
	char *memory;
	struct cuts_history *history;                /* or null */
	uint64_t reads, writes, flushes;             /* so far */
	uint64_t fail_read, fail_write, fail_flush;  /* the one of this number, from 1 */
	bool fail_on;                                /* and all after it */
	bool failed;
};

void cuts_device_init(struct cuts_device *device, char *memory, uint64_t size, struct cuts_history *history);

#endif
