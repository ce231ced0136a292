/*
 * The pager "mirror" over two disks that lose what was not flushed. In each round power is cut at any access, sectors
 * of one side change by themselves, or one side takes nothing any more for a while. At every start each page is as it
 * was flushed, or, if a flush was under way, as that would have made it.
 */
#include "pagers/kit/kit.h"

#undef PAGER
#define PAGER(program)
#define pthread_create(thread, attributes, function, argument) ((void)(thread), 0) /* the test compares by itself */
#include "pagers/mirror/main.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

enum { DISK_PAGES = 40, SECTORS = DISK_PAGES * PK_PAGE / SECTOR, WRITES_MAX = 20000, ROUNDS = 400 };

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
static struct pk_lower *failing; /* takes nothing, and gives nothing */
static unsigned until_cut;       /* accesses; 0: never */
static jmp_buf cut;

static int access_disk(const struct pk_lower *lower)
{
	if (until_cut && --until_cut == 0)
		longjmp(cut, 1);
	return lower == failing ? EIO : 0;
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

/* --- The mirror, and what it must have: by page, the first byte, and the others are the same. */

static unsigned char flushed[DISK_PAGES], group[DISK_PAGES];
static bool flushing, was_flushing;
static bool was_alone;
static unsigned cuts_in_flush, spoiled, alone, torn;

static void forget_program(void)
{
	pk_group_done(&waiting);
	free(waiting.page);
	free(waiting.number);
	waiting = (struct pk_group){.page = NULL};
	memset(side, 0, sizeof(side));
	pthread_mutex_init(&turn, NULL);
}

static void start(void)
{
	struct pk_lower *lowers[] = {&disks[0], &disks[1]};
	char argument[] = "format", *argv[] = {argument};
	void *self;
	uint64_t size;

	forget_program();
	CHECK(mirror.open(1, argv, lowers, &self, &size) == 0);
}

static void write_some(void)
{
	unsigned n = 1 + pick(4), first = pick((unsigned)header.pages - n);
	unsigned char *pages = pk_pages_allocate(n * PK_PAGE);

	for (unsigned i = 0; i < n; i++) {
		group[first + i] = (unsigned char)pick(256);
		memset(pages + i * PK_PAGE, group[first + i], PK_PAGE);
	}
	CHECK(mirror.ops.take(NULL, first * PK_PAGE, pages, n * PK_PAGE) == 0);
}

static void work(void)
{
	for (unsigned groups = 0; groups < 3; groups++) {
		for (unsigned n = pick(5); n-- > 0;)
			write_some();
		if (!failing && pick(8) == 0) {
			failing = &disks[pick(2)];
			alone++;
		}
		flushing = true;
		CHECK(mirror.ops.flush(NULL) == 0);
		flushing = false;
		memcpy(flushed, group, sizeof(group));
	}
}

/* Sectors behind the header of one side. */
static void spoil(struct pk_lower *disk)
{
	for (unsigned n = 1 + pick(6); n-- > 0; spoiled++) {
		unsigned sector = PK_PAGE / SECTOR + pick(SECTORS - PK_PAGE / SECTOR);

		disk->kept[sector][pick(SECTOR)] ^= (unsigned char)(1 + pick(255));
		memcpy(disk->now[sector], disk->kept[sector], SECTOR);
	}
}

static void replace_disk(struct pk_lower *disk)
{
	memset(disk->now, 0, sizeof(disk->now));
	memset(disk->kept, 0, sizeof(disk->kept));
}

/*
 * A page may be as it was flushed, or as the flush that was cut would have made it; from now on it is what it is. One
 * that was under way to the only side there was may be torn: an error until it is written again.
 */
static void check_all(void)
{
	unsigned char page[PK_PAGE];

	for (unsigned i = 0; i < header.pages; i++) {
		if (mirror.ops.read(NULL, i * PK_PAGE, page, PK_PAGE) != 0) {
			unsigned char *again = pk_pages_allocate(PK_PAGE);

			CHECK(was_flushing && was_alone && flushed[i] != group[i]);
			flushed[i] = group[i] = 0;
			torn++;
			CHECK(mirror.ops.take(NULL, i * PK_PAGE, again, PK_PAGE) == 0 && mirror.ops.flush(NULL) == 0);
			continue;
		}
		CHECK(page[0] == flushed[i] || (was_flushing && page[0] == group[i]));
		for (unsigned at = 1; at < PK_PAGE; at++)
			CHECK(page[at] == page[0]);
		flushed[i] = group[i] = page[0];
	}
	was_flushing = false;
}

int main(void)
{
	start();
	for (round_number = 0; round_number < ROUNDS; round_number++) {
		until_cut = 1 + pick(300);
		flushing = false;
		if (setjmp(cut) == 0)
			work();
		was_flushing = flushing && until_cut == 0;
		cuts_in_flush += was_flushing;
		lose_power();
		was_alone = failing != NULL;
		failing = NULL;
		/* What is made equal after the start is cut as well. */
		until_cut = pick(2) ? 1 + pick(200) : 0;
		if (setjmp(cut) == 0) {
			start();
			compare(NULL);
		}
		until_cut = 0;
		lose_power();
		start();
		check_all();
		compare(NULL);
		CHECK(!side[0].lost && !side[1].lost && !side[0].behind && !side[1].behind);
		/* Then either side may go bad. */
		if (pick(20) == 0)
			replace_disk(&disks[pick(2)]);
		else if (pick(2))
			spoil(&disks[pick(2)]);
		start();
		check_all();
		compare(NULL);
		check_all();
	}
	CHECK(torn < cuts_in_flush / 2 && cuts_in_flush > ROUNDS / 10 && spoiled > ROUNDS / 2 && alone > ROUNDS / 10);
	printf("PASS both sides' power is cut, one of them spoiled, lost, replaced: what was flushed is there\n");

	/* The same page bad on both: an error, and never another page. */
	disks[0].now[16][0] ^= 1;
	disks[1].now[16][0] ^= 1;
	disks[0].now[17][0] ^= 1;
	start();
	for (unsigned i = 0; i < header.pages; i++) {
		unsigned char page[PK_PAGE];
		int error = mirror.ops.read(NULL, i * PK_PAGE, page, PK_PAGE);

		CHECK(error ? error == EIO && i == 0 : page[0] == flushed[i]);
		CHECK(i != 0 || error);
	}
	printf("PASS what is bad on both sides is an error\n");
	forget_program();
	return 0;
}
