/*
 * The pager "mirror" over two disks that lose what was not flushed. In each round power is cut at any access, sectors
 * of one side change by themselves, or one side takes nothing any more for a while. At every start each page is as it
 * was flushed, or, if a flush was under way, as that would have made it.
 */
enum { DISKS = 2, DISK_PAGES = 40, OBJECT_PAGES = DISK_PAGES, ROUNDS = 400 };
#include "tests/host/pagers/disks.h"

#include <pthread.h>
#define pthread_create(thread, attributes, function, argument) ((void)(thread), 0) /* the test compares by itself */
#include "pagers/mirror/main.c"

static bool flushing, was_flushing;
static bool was_alone;
static unsigned cuts_in_flush, spoiled, alone, torn;

static void forget_program(void)
{
	forget_group(&waiting);
	memset(side, 0, sizeof(side));
	pthread_mutex_init(&turn, NULL);
}

static void start(void)
{
	forget_program();
	CHECK(open_over_disks(&mirror) == 0);
}

static bool is_alone(void)
{
	return disks[0].failing || disks[1].failing;
}

static void work(void)
{
	for (unsigned groups = 0; groups < 3; groups++) {
		for (unsigned n = pick(5); n-- > 0;)
			CHECK(write_some(&mirror, (unsigned)header.pages, 4));
		if (!is_alone() && pick(8) == 0) {
			disks[pick(2)].failing = true;
			alone++;
		}
		flushing = true;
		CHECK(mirror.ops.flush(NULL) == 0);
		flushing = false;
		memcpy(as_flushed, as_written, sizeof(as_written));
	}
}

/* Sectors behind the header of one side. */
static void spoil(struct pk_lower *disk)
{
	for (unsigned n = 1 + pick(6); n-- > 0; spoiled++) {
		unsigned sector = PK_PAGE / PK_SECTOR + pick(DISK_SECTORS - PK_PAGE / PK_SECTOR);

		disk->kept[sector][pick(PK_SECTOR)] ^= (unsigned char)(1 + pick(255));
		memcpy(disk->now[sector], disk->kept[sector], PK_SECTOR);
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

			CHECK(was_flushing && was_alone && as_flushed[i] != as_written[i]);
			as_flushed[i] = as_written[i] = 0;
			torn++;
			CHECK(mirror.ops.take(NULL, i * PK_PAGE, again, PK_PAGE) == 0 && mirror.ops.flush(NULL) == 0);
			continue;
		}
		CHECK(page[0] == as_flushed[i] || (was_flushing && page[0] == as_written[i]));
		CHECK(is_filled(page));
		as_flushed[i] = as_written[i] = page[0];
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
		was_alone = is_alone();
		disks[0].failing = disks[1].failing = false;
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

		CHECK(error ? error == EIO && i == 0 : page[0] == as_flushed[i]);
		CHECK(i != 0 || error);
	}
	printf("PASS what is bad on both sides is an error\n");
	forget_program();
	return 0;
}
