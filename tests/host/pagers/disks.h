/*
 * Disks for a pager that is compiled into its test, which says before it includes this how many there are and how many
 * pages each and the object have (DISKS, DISK_PAGES, OBJECT_PAGES), and behind this includes the pager's main.c.
 *
 * What was not flushed is lost at a power cut, or when the flush fails: each sector that was written since the last
 * flush is there or not, by itself. A cut is a longjmp out of any access. The first byte of a page that the test writes
 * says all that is in it.
 */
#ifndef TESTS_HOST_PAGERS_DISKS_H
#define TESTS_HOST_PAGERS_DISKS_H

#include "pagers/kit/group.h"
#include "pagers/kit/lower.h"

#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#undef PAGER
#define PAGER(program)

enum { DISK_SECTORS = DISK_PAGES * PK_PAGE / PK_SECTOR, WRITES_MAX = 20000 };

static unsigned round_number;

#define CHECK(good)                                                                                                    \
	do {                                                                                                           \
		if (!(good)) {                                                                                         \
			printf("FAIL %s:%d: not true: %s (round %u)\n", __FILE__, __LINE__, #good, round_number);      \
			exit(1);                                                                                       \
		}                                                                                                      \
	} while (0)

static uint64_t pick_state = 5;

static unsigned pick(unsigned from)
{
	pick_state = pick_state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(pick_state >> 33) % from;
}

struct pk_lower {
	unsigned char now[DISK_SECTORS][PK_SECTOR];  /* as read */
	unsigned char kept[DISK_SECTORS][PK_SECTOR]; /* as after a cut, without what is below */
	struct {
		unsigned sector;
		unsigned char data[PK_SECTOR];
	} write[WRITES_MAX]; /* since the last flush, in order */
	unsigned writes;
	bool read_only, failing; /* nobody may write to it; it takes nothing, and gives nothing */
	uint64_t size;           /* 0: all */
} __attribute__((aligned(PK_PAGE)));

static struct pk_lower disks[DISKS];
static unsigned until_cut; /* accesses; 0: never */
static unsigned fails_in;  /* one of so many accesses; 0: none */
/* How an instance ends by a power cut. */
#ifndef DISKS_CUT
static jmp_buf cut;
#define DISKS_CUT() longjmp(cut, 1)
#endif

static int access_disk(const struct pk_lower *disk)
{
	if (until_cut && --until_cut == 0)
		DISKS_CUT();
	return disk->failing || (fails_in && pick(fails_in) == 0) ? EIO : 0;
}

uint64_t pk_lower_size(const struct pk_lower *disk)
{
	return disk->size ? disk->size : sizeof(disk->now);
}

int pk_lower_read(struct pk_lower *disk, uint64_t offset, void *data, size_t length)
{
	CHECK(offset <= sizeof(disk->now) && length <= sizeof(disk->now) - offset);
	memcpy(data, (char *)disk->now + offset, length);
	return access_disk(disk);
}

int pk_lower_write(struct pk_lower *disk, uint64_t offset, const void *data, size_t length)
{
	int error = access_disk(disk);

	CHECK(offset <= sizeof(disk->now) && length <= sizeof(disk->now) - offset && !disk->read_only);
	if (error)
		return error;
	memcpy((char *)disk->now + offset, data, length);
	for (uint64_t sector = offset / PK_SECTOR; sector * PK_SECTOR < offset + length; sector++) {
		CHECK(disk->writes < WRITES_MAX);
		disk->write[disk->writes].sector = (unsigned)sector;
		memcpy(disk->write[disk->writes++].data, disk->now[sector], PK_SECTOR);
	}
	return 0;
}

/* Of what was written since the last flush, all or some; the rest is not kept by any later one. */
static void keep_writes(struct pk_lower *disk, bool some)
{
	for (unsigned i = 0; i < disk->writes; i++)
		if (!some || pick(2))
			memcpy(disk->kept[disk->write[i].sector], disk->write[i].data, PK_SECTOR);
	disk->writes = 0;
}

int pk_lower_flush(struct pk_lower *disk)
{
	int error = access_disk(disk);

	keep_writes(disk, error != 0);
	return error;
}

static void lose_power(void)
{
	for (struct pk_lower *disk = disks; disk < disks + DISKS; disk++) {
		keep_writes(disk, true);
		memcpy(disk->now, disk->kept, sizeof(disk->now));
	}
}

/* The flush of a program that has none of its own. */
static inline int flush_disks(void *self)
{
	int error = 0;

	(void)self;
	for (unsigned i = 0; i < DISKS && !error; i++)
		error = pk_lower_flush(&disks[i]);
	return error;
}

/* The one file that there is. */
int pk_lower_open(const char *name, struct pk_lower **lower)
{
	static struct pk_lower key = {.size = 64};

	*lower = &key;
	return strcmp(name, "key") == 0 ? 0 : ENOENT;
}

void pk_log(const char *format, ...)
{
	(void)format;
}

/* What the pager's object must have, by page: as it was flushed, and with what was written since. */
static __attribute__((unused)) unsigned char as_flushed[OBJECT_PAGES];
static unsigned char as_written[OBJECT_PAGES];

/* The more of them look random the greater the byte is. */
static void fill(void *page, unsigned char byte)
{
	unsigned char *bytes = page;
	uint64_t state = byte + 1u;

	memset(page, byte, PK_PAGE);
	for (unsigned i = 1; i < byte * 16u; i++) {
		state = state * 6364136223846793005u + 1442695040888963407u;
		bytes[i] = (unsigned char)(state >> 56);
	}
}

static bool is_filled(const unsigned char *page)
{
	static unsigned char wanted[256][PK_PAGE];

	if (wanted[page[0]][1] == 0)
		fill(wanted[page[0]], page[0]);
	return memcmp(page, wanted[page[0]], PK_PAGE) == 0;
}

/* Writes to a few of the first pages by take(); false: the pager had no room. */
static inline bool write_some(const struct pk_program *program, unsigned pages, unsigned most)
{
	unsigned n = 1 + pick(most), first = pick(pages - n);
	unsigned char *data = pk_pages_allocate(n * PK_PAGE), byte[16];

	for (unsigned i = 0; i < n; i++) {
		byte[i] = (unsigned char)pick(256);
		fill(data + i * PK_PAGE, byte[i]);
	}
	if (program->ops.take(NULL, first * PK_PAGE, data, n * PK_PAGE) != 0) {
		pk_pages_free(data, n * PK_PAGE);
		return false;
	}
	memcpy(as_written + first, byte, n);
	return true;
}

/* The program begins anew over all disks, and may format them: its open()'s error. */
static inline int open_over_disks(const struct pk_program *program)
{
	struct pk_lower *lowers[DISKS];
	char argument[] = "format", *argv[] = {argument};
	void *self;
	uint64_t size;

	for (unsigned i = 0; i < DISKS; i++)
		lowers[i] = &disks[i];
	return program->open(1, argv, lowers, &self, &size);
}

static inline void forget_group(struct pk_group *waiting)
{
	pk_group_done(waiting);
	free(waiting->page);
	free(waiting->number);
	*waiting = (struct pk_group){.page = NULL};
}

#endif
