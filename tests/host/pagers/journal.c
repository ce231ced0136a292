/*
 * The pager "journal" over a disk that loses what was not flushed: at a power cut each sector that was written since
 * the last flush is there or not, by itself. At every start there is the last group that was flushed, whole, or the one
 * whose flush was under way, whole. Now and then an access fails: then a flush says so, and the next one does all.
 */
enum { DISKS = 1, DISK_PAGES = 200, OBJECT_PAGES = DISK_PAGES, ROUNDS = 1500 };
#include "tests/host/pagers/disks.h"

#include "pagers/journal/main.c"

static bool flushing, was_flushing;

static void forget_program(void)
{
	forget_group(&waiting);
	logged = false;
	sequence = 0;
}

static int start(void)
{
	forget_program();
	return open_over_disks(&journal);
}

static bool is(const unsigned char *wanted)
{
	unsigned char page[PK_PAGE];

	for (unsigned i = 0; i < header.pages; i++) {
		CHECK(journal.ops.read(NULL, i * PK_PAGE, page, PK_PAGE) == 0);
		if (page[0] != wanted[i] || !is_filled(page))
			return false;
	}
	return true;
}

static void work(void)
{
	for (unsigned groups = 0; groups < 4; groups++) {
		for (unsigned n = pick(6); n-- > 0;)
			CHECK(write_some(&journal, (unsigned)header.pages, 8));
		flushing = true;
		while (journal.ops.flush(NULL) != 0)
			CHECK(fails_in);
		flushing = false;
		memcpy(as_flushed, as_written, sizeof(as_written));
	}
}

static unsigned cuts_in_flush, whole;

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
		if (was_flushing && is(as_written)) {
			whole++;
			memcpy(as_flushed, as_written, sizeof(as_written));
		}
		cuts_in_flush += was_flushing;
		CHECK(is(as_flushed));
		memcpy(as_written, as_flushed, sizeof(as_written));
	}
	CHECK(cuts_in_flush > ROUNDS / 10 && whole > cuts_in_flush / 10 && whole < cuts_in_flush);
	printf("PASS a group of pages is there whole or not at all after %u power cuts, %u of them in a flush\n",
		(unsigned)ROUNDS, cuts_in_flush);
	forget_program();
	return 0;
}
