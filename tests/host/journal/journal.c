/*
 * The pager "journal" over a disk that loses what was not flushed: at a power cut each sector that was written since
 * the last flush is there or not, by itself. At every start there is the last group that was flushed, whole, or the one
 * whose flush was under way, whole. Now and then an access fails: then a flush says so, and the next one does all.
 */
#include "pagers/kit/kit.h"

#undef PAGER
#define PAGER(program)
#include "pagers/journal/main.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

enum { SECTOR = 512, DISK_PAGES = 200, SECTORS = DISK_PAGES * PK_PAGE / SECTOR, WRITES_MAX = 20000, ROUNDS = 1500 };

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

static struct pk_lower disk;
static unsigned until_cut; /* accesses; 0: never */
static unsigned fails_in;  /* one of so many accesses; 0: none */
static jmp_buf cut;

static int access_disk(void)
{
	if (until_cut && --until_cut == 0)
		longjmp(cut, 1);
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
	return access_disk();
}

int pk_lower_write(struct pk_lower *lower, uint64_t offset, const void *data, size_t length)
{
	int error = access_disk();

	CHECK(offset + length <= sizeof(lower->now));
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
	int error = access_disk();

	if (error)
		return error;
	memcpy(lower->kept, lower->now, sizeof(lower->now));
	lower->writes = 0;
	return 0;
}

static void lose_power(void)
{
	for (unsigned i = 0; i < disk.writes; i++)
		if (pick(2))
			memcpy(disk.kept[disk.write[i].sector], disk.write[i].data, SECTOR);
	disk.writes = 0;
	memcpy(disk.now, disk.kept, sizeof(disk.now));
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

/* --- The journal, and what it must have: by page, the first byte, and the others are the same. */

static unsigned char flushed[DISK_PAGES], group[DISK_PAGES];
static bool flushing;

static void forget_program(void)
{
	pk_group_done(&waiting);
	free(waiting.page);
	free(waiting.number);
	waiting = (struct pk_group){.page = NULL};
	logged = false;
	sequence = 0;
}

static int start(void)
{
	struct pk_lower *lowers[] = {&disk};
	char argument[] = "format", *argv[] = {argument};
	void *self;
	uint64_t size;

	forget_program();
	return journal.open(1, argv, lowers, &self, &size);
}

static void write_some(void)
{
	unsigned n = 1 + pick(8), first = pick((unsigned)header.pages - n);
	unsigned char *pages = pk_pages_allocate(n * PK_PAGE);

	for (unsigned i = 0; i < n; i++) {
		group[first + i] = (unsigned char)pick(256);
		memset(pages + i * PK_PAGE, group[first + i], PK_PAGE);
	}
	CHECK(journal.ops.take(NULL, first * PK_PAGE, pages, n * PK_PAGE) == 0);
}

static bool is(const unsigned char *wanted)
{
	unsigned char page[PK_PAGE];

	for (unsigned i = 0; i < header.pages; i++) {
		CHECK(journal.ops.read(NULL, i * PK_PAGE, page, PK_PAGE) == 0);
		for (unsigned at = 0; at < PK_PAGE; at++)
			if (page[at] != wanted[i])
				return false;
	}
	return true;
}

static void work(void)
{
	for (unsigned groups = 0; groups < 4; groups++) {
		for (unsigned n = pick(6); n-- > 0;)
			write_some();
		flushing = true;
		while (journal.ops.flush(NULL) != 0)
			CHECK(fails_in);
		flushing = false;
		memcpy(flushed, group, sizeof(group));
	}
}

static unsigned cuts_in_flush, whole;
static bool was_flushing;

int main(void)
{
	while (start() != 0)
		;
	for (round_number = 0; round_number < ROUNDS; round_number++) {
		until_cut = 1 + pick(400);
		fails_in = pick(4) == 0 ? 30 : 0;
		if (setjmp(cut) == 0) {
			work();
			until_cut = 0;
			was_flushing = false;
		} else {
			was_flushing = flushing;
		}
		lose_power();
		/* The start is cut as well, or fails, until it succeeds. */
		until_cut = 1 + pick(80);
		if (setjmp(cut) != 0) {
			lose_power();
			until_cut = pick(2) ? 1 + pick(200) : 0;
		}
		while (start() != 0)
			CHECK(fails_in);
		until_cut = fails_in = 0;
		flushing = false;
		if (was_flushing && is(group)) {
			whole++;
			memcpy(flushed, group, sizeof(group));
		}
		cuts_in_flush += was_flushing;
		CHECK(is(flushed));
		memcpy(group, flushed, sizeof(group));
	}
	CHECK(cuts_in_flush > ROUNDS / 10 && whole > cuts_in_flush / 10 && whole < cuts_in_flush);
	printf("PASS a group of pages is there whole or not at all after %u power cuts, %u of them in a flush\n",
		(unsigned)ROUNDS, cuts_in_flush);
	forget_program();
	return 0;
}
