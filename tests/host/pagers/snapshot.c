/*
 * The pager "snapshot" over an origin that nobody may write to, and a store that loses what was not flushed. In each
 * round power is cut at any access, or accesses fail. At every start each page is as it was flushed, or, if a flush was
 * under way, as that would have made it.
 */
enum { DISKS = 2, DISK_PAGES = 40, OBJECT_PAGES = DISK_PAGES, WRITTEN_PAGES = 24, ROUNDS = 2000 };
#include "tests/host/pagers/disks.h"

#include "pagers/snapshot/main.c"

static bool flushing, was_flushing;
static unsigned cuts_in_flush, failed, full;

static void forget_program(void)
{
	forget_group(&waiting);
	free(place);
	free(used);
	place = NULL;
	used = NULL;
	next_slot = 0;
}

static int start(void)
{
	forget_program();
	return open_over_disks(&snapshot);
}

static void work(void)
{
	for (unsigned groups = 0; groups < 3; groups++) {
		for (unsigned n = pick(5); n-- > 0;)
			/* Of the first only: the store has not so many slots as the origin has pages. */
			full += !write_some(&snapshot, WRITTEN_PAGES, 4);
		flushing = true;
		while (snapshot.ops.flush(NULL) != 0) {
			CHECK(fails_in);
			/* Slots may be used twice over until the next start. */
			if (++failed % 8 == 0)
				longjmp(cut, 1);
		}
		flushing = false;
		memcpy(as_flushed, as_written, sizeof(as_written));
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
		CHECK(page[0] == as_flushed[i] || (was_flushing && page[0] == as_written[i]));
		CHECK(is_filled(page));
		as_flushed[i] = as_written[i] = page[0];
		CHECK(snapshot.ops.forward(NULL, i * PK_PAGE, &length, &lower, &at) == 0 && lower == &disks[0]);
		CHECK(length == 0 || (at == i * PK_PAGE && memcmp((char *)disks[0].now + at, page, PK_PAGE) == 0));
		CHECK(i < WRITTEN_PAGES || length != 0);
	}
	was_flushing = false;
}

int main(void)
{
	for (unsigned i = 0; i < DISK_PAGES; i++) {
		fill((char *)disks[0].now + i * PK_PAGE, (unsigned char)(i + 1));
		as_flushed[i] = as_written[i] = (unsigned char)(i + 1);
	}
	memcpy(disks[0].kept, disks[0].now, sizeof(disks[0].now));
	disks[0].read_only = true;
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
	disks[1].now[PK_PAGE / PK_SECTOR][9] ^= 1;
	CHECK(start() == 0);
	for (unsigned i = 0; i < header.pages; i++) {
		unsigned char page[PK_PAGE];

		CHECK(snapshot.ops.read(NULL, i * PK_PAGE, page, PK_PAGE) == EIO);
	}
	printf("PASS a map that is bad shows nothing\n");
	forget_program();
	return 0;
}
