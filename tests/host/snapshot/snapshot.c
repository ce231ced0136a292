/*
 * The pager "snapshot" over an origin that nobody may write to, and a store that loses what was not flushed. In each
 * round power is cut at any access, or accesses fail. At every start each page is as it was flushed, or, if a flush was
 * under way, as that would have made it.
 */
#include "pagers/kit/kit.h"

#undef PAGER
#define PAGER(program)
#include "pagers/snapshot/main.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

enum {
	DISK_PAGES = 40,
	WRITTEN_PAGES = 24,
	SECTORS = DISK_PAGES * PK_PAGE / SECTOR,
	WRITES_MAX = 20000,
	ROUNDS = 2000
};

#define CHECK(good)                                                                                                    \
	do {                                                                                                           \
		if (!(good)) {                                                                                         \
			printf("FAIL %s:%d: not true: %s (round %u)\n", __FILE__, __LINE__, #good, round_number);      \
			exit(1);                                                                                       \
		}                                                                                                      \
	} while (0)

static unsigned round_number;
static uint64_t state = 5;

static unsigned pick(unsigned from)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(state >> 33) % from;
}

/* --- The disk. */

struct pk_lower {
	unsigned char now[SECTORS][SECTOR], kept[SECTORS][SECTOR]; /* as read; as after a cut, without what is below */
	struct {
		unsigned sector;
		unsigned char data[SECTOR];
	} write[WRITES_MAX]; /* since the last flush, in order */
	unsigned writes;
};

static struct pk_lower disks[2];
static unsigned fails_in;  /* one of so many accesses; 0: none */
static unsigned until_cut; /* accesses; 0: never */
static jmp_buf cut;

static int access_disk(const struct pk_lower *lower)
{
	if (until_cut && --until_cut == 0)
		longjmp(cut, 1);
	(void)lower;
	return fails_in && pick(fails_in) == 0 ? EIO : 0;
}

uint64_t pk_lower_size(const struct pk_lower *lower)
{
	return sizeof(lower->now);
}

int pk_lower_read(struct pk_lower *lower, uint64_t offset, void *data, size_t length)
{
	CHECK(offset + length <= sizeof(lower->now));
	memcpy(data, (char *)lower->now + offset, length);
	return access_disk(lower);
}

int pk_lower_write(struct pk_lower *lower, uint64_t offset, const void *data, size_t length)
{
	int error = access_disk(lower);

	CHECK(offset + length <= sizeof(lower->now) && lower != &disks[0]);
	if (error)
		return error;
	memcpy((char *)lower->now + offset, data, length);
	for (uint64_t sector = offset / SECTOR; sector * SECTOR < offset + length; sector++) {
		CHECK(lower->writes < WRITES_MAX);
		lower->write[lower->writes].sector = (unsigned)sector;
		memcpy(lower->write[lower->writes++].data, lower->now[sector], SECTOR);
	}
	return 0;
}

int pk_lower_flush(struct pk_lower *lower)
{
	int error = access_disk(lower);

	if (error)
		return error;
	memcpy(lower->kept, lower->now, sizeof(lower->now));
	lower->writes = 0;
	return 0;
}

static void lose_power(void)
{
	for (struct pk_lower *disk = disks; disk < disks + 2; disk++) {
		for (unsigned i = 0; i < disk->writes; i++)
			if (pick(2))
				memcpy(disk->kept[disk->write[i].sector], disk->write[i].data, SECTOR);
		disk->writes = 0;
		memcpy(disk->now, disk->kept, sizeof(disk->now));
	}
}

int pk_lower_open(const char *name, struct pk_lower **lower)
{
	(void)name, (void)lower;
	return ENOENT;
}

void pk_log(const char *format_, ...)
{
	(void)format_;
}

/* --- The snapshot, and what it must have: by page, the first byte, and the others are the same. */

static unsigned char flushed[DISK_PAGES], group[DISK_PAGES];
static bool flushing, was_flushing;
static unsigned cuts_in_flush, failed, full;

static void forget_program(void)
{
	pk_group_done(&waiting);
	free(waiting.page);
	free(waiting.number);
	waiting = (struct pk_group){.page = NULL};
	free(place);
	free(used);
	place = NULL;
	used = NULL;
	next_slot = 0;
}

static int start(void)
{
	struct pk_lower *lowers[] = {&disks[0], &disks[1]};
	char argument[] = "format", *argv[] = {argument};
	void *self;
	uint64_t size;

	forget_program();
	return snapshot.open(1, argv, lowers, &self, &size);
}

/* Of the first pages only: the store has not so many slots as the origin has pages. */
static void write_some(void)
{
	unsigned n = 1 + pick(4), first = pick(WRITTEN_PAGES - n);
	unsigned char *pages = pk_pages_allocate(n * PK_PAGE), value[4];

	for (unsigned i = 0; i < n; i++) {
		value[i] = (unsigned char)pick(256);
		memset(pages + i * PK_PAGE, value[i], PK_PAGE);
	}
	if (snapshot.ops.take(NULL, first * PK_PAGE, pages, n * PK_PAGE) == 0) {
		memcpy(group + first, value, n);
		return;
	}
	full++;
	pk_pages_free(pages, n * PK_PAGE);
}

static void work(void)
{
	for (unsigned groups = 0; groups < 3; groups++) {
		for (unsigned n = pick(5); n-- > 0;)
			write_some();
		flushing = true;
		while (snapshot.ops.flush(NULL) != 0) {
			CHECK(fails_in);
			/* Slots may be used twice over until the next start. */
			if (++failed % 8 == 0)
				longjmp(cut, 1);
		}
		flushing = false;
		memcpy(flushed, group, sizeof(group));
	}
}

/* What it shows, and where it says that it may be forwarded. */
static void check_all(void)
{
	unsigned char page[PK_PAGE];

	for (unsigned i = 0; i < header.pages; i++) {
		struct pk_lower *lower;
		uint64_t length = PK_PAGE, at;

		CHECK(snapshot.ops.read(NULL, i * PK_PAGE, page, PK_PAGE) == 0);
		CHECK(page[0] == flushed[i] || (was_flushing && page[0] == group[i]));
		for (unsigned byte = 1; byte < PK_PAGE; byte++)
			CHECK(page[byte] == page[0]);
		flushed[i] = group[i] = page[0];
		CHECK(snapshot.ops.forward(NULL, i * PK_PAGE, &length, &lower, &at) == 0 && lower == &disks[0]);
		CHECK(length == 0 || (at == i * PK_PAGE && memcmp((char *)disks[0].now + at, page, PK_PAGE) == 0));
		CHECK(i < WRITTEN_PAGES || length != 0);
	}
	was_flushing = false;
}

int main(void)
{
	for (unsigned i = 0; i < DISK_PAGES; i++) {
		memset((char *)disks[0].now + i * PK_PAGE, (int)i + 1, PK_PAGE);
		flushed[i] = group[i] = (unsigned char)(i + 1);
	}
	memcpy(disks[0].kept, disks[0].now, sizeof(disks[0].now));
	while (start() != 0)
		;
	for (round_number = 0; round_number < ROUNDS; round_number++) {
		until_cut = 1 + pick(120);
		fails_in = pick(4) == 0 ? 20 : 0;
		flushing = false;
		if (setjmp(cut) == 0)
			work();
		was_flushing = flushing;
		cuts_in_flush += was_flushing;
		lose_power();
		until_cut = fails_in = 0;
		CHECK(start() == 0);
		check_all();
	}
	CHECK(cuts_in_flush > ROUNDS / 10 && failed > ROUNDS / 20 && full > 0);
	printf("PASS after power cuts and errors each page is as it was flushed, and the origin as it was\n");

	/* A bad sector of the map: its pages are errors, not the origin's. */
	disks[1].now[PK_PAGE / SECTOR][9] ^= 1;
	CHECK(start() == 0);
	for (unsigned i = 0; i < header.pages; i++) {
		unsigned char page[PK_PAGE];

		CHECK(snapshot.ops.read(NULL, i * PK_PAGE, page, PK_PAGE) == EIO);
	}
	printf("PASS a map that is bad shows nothing\n");
	forget_program();
	return 0;
}
