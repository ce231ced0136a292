/*
 * The pager "compress" over a disk that loses what was not flushed, with fewer sectors than its pages may need: in each
 * round power is cut at any access, or accesses fail. At every start each page is as it was flushed, or as it was
 * written since. Then over a disk of which any byte is another: a page is what it was, or an error.
 */
enum {
	DISKS = 1,
	DISK_PAGES = 48,
	OBJECT_PAGES = 2 * DISK_PAGES,
	WRITTEN_PAGES = 70,
	ROUNDS = 1500,
	SPOILED_ROUNDS = 2500
};
#include "tests/host/pagers/disks.h"

#include "pagers/compress/main.c"

static bool may_be[OBJECT_PAGES][256]; /* what the page has, by its byte */
static unsigned cuts, failures, full, errors_of_pages;

static void forget_program(void)
{
	if (waiting.page)
		forget_group(&waiting);
	free(mapped);
	free(newest);
	free(used);
	ZSTD_freeCCtx(packer);
	ZSTD_freeDCtx(unpacker);
	mapped = newest = NULL;
	used = NULL;
	packer = NULL;
	unpacker = NULL;
	next_sector = pages_stored = 0;
	failed = false;
}

static int start(void)
{
	forget_program();
	return open_over_disks(&compress);
}

/* What is taken may be there after a cut from now on. */
static void write_one(void)
{
	if (!write_some(&compress, WRITTEN_PAGES, 6))
		full++;
	for (unsigned i = 0; i < OBJECT_PAGES; i++)
		may_be[i][as_written[i]] = true;
}

static void work(void)
{
	for (unsigned groups = 0; groups < 4; groups++) {
		for (unsigned n = pick(8); n-- > 0;)
			write_one();
		while (compress.ops.flush(NULL) != 0) {
			CHECK(fails_in);
			failures++;
		}
		memset(may_be, 0, sizeof(may_be));
		for (unsigned i = 0; i < OBJECT_PAGES; i++)
			may_be[i][as_written[i]] = true;
	}
}

/* From now on a page is what it is. */
static void check_all(void)
{
	unsigned char page[PK_PAGE];

	for (unsigned i = 0; i < OBJECT_PAGES; i++) {
		CHECK(compress.ops.read(NULL, i * PK_PAGE, page, PK_PAGE) == 0);
		CHECK(is_filled(page) && may_be[i][page[0]]);
		memset(may_be[i], 0, sizeof(may_be[i]));
		may_be[i][page[0]] = true;
		as_written[i] = page[0];
	}
}

/* Sectors that a page has are used, each by one, and no others. */
static void check_sectors(void)
{
	uint64_t count = 0, stored = 0, marked = 0;
	pager_counters_t counters;

	for (unsigned i = 0; i < OBJECT_PAGES; i++) {
		count += sectors_of(&newest[i]);
		stored += has_place(&newest[i]);
		for (uint64_t at = 0; at < sectors_of(&newest[i]); at++)
			CHECK(used[newest[i].place + at]);
	}
	for (uint64_t at = 0; at < sectors; at++)
		marked += used[at];
	compress.ops.counters(NULL, &counters);
	CHECK(count == marked && count == sectors - sectors_free && counters.stored == count * PK_SECTOR);
	CHECK(counters.contents == stored * PK_PAGE);
}

static void cut_power(void)
{
	for (round_number = 0; round_number < ROUNDS; round_number++) {
		until_cut = 1 + pick(180);
		fails_in = pick(4) == 0 ? 20 : 0;
		if (setjmp(cut) == 0)
			work();
		else
			cuts++;
		lose_power();
		until_cut = fails_in = 0;
		CHECK(start() == 0);
		check_sectors();
		check_all();
	}
	CHECK(cuts > ROUNDS / 4 && failures > ROUNDS / 20 && full > ROUNDS / 20);
	printf("PASS after power cuts, errors and without room each page is as it was flushed, or newer\n");
}

/* All that can be is written, until nothing can; then what is freed can be used. */
static void fill_up(void)
{
	unsigned char *page = pk_pages_allocate(PK_PAGE), got[PK_PAGE];
	unsigned written = 0;

	memset(disks, 0, sizeof(disks));
	CHECK(start() == 0 && header.pages == OBJECT_PAGES);
	for (; written < OBJECT_PAGES; written++) {
		for (unsigned i = 0; i < PK_PAGE; i++)
			page[i] = (unsigned char)pick(256);
		page[0] = (unsigned char)written;
		if (compress.ops.take(NULL, written * PK_PAGE, page, PK_PAGE) != 0)
			break;
		page = pk_pages_allocate(PK_PAGE);
	}
	CHECK(written == sectors / (PK_PAGE / PK_SECTOR) && compress.ops.flush(NULL) == 0);
	CHECK(compress.ops.take(NULL, 0, page, PK_PAGE) == ENOSPC);
	for (unsigned i = 0; i < written; i++)
		CHECK(compress.ops.read(NULL, i * PK_PAGE, got, PK_PAGE) == 0 && got[0] == i);
	memset(page, 0, PK_PAGE);
	CHECK(compress.ops.take(NULL, 3 * PK_PAGE, page, PK_PAGE) == 0 && compress.ops.flush(NULL) == 0);
	page = pk_pages_allocate(PK_PAGE);
	for (unsigned i = 0; i < PK_PAGE; i++)
		page[i] = (unsigned char)pick(256);
	CHECK(compress.ops.take(NULL, 3 * PK_PAGE, page, PK_PAGE) == 0 && compress.ops.flush(NULL) == 0);
	check_sectors();
	printf("PASS without room a write is ENOSPC, nothing is lost, and zeros make room\n");
}

/* Any bytes are others; where `known`, the checksums are right all the same, as of one who means it. */
static void spoil(bool known)
{
	for (unsigned n = 1 + pick(4); n-- > 0;)
		disks[0].now[pick(4) ? pick(DISK_SECTORS) : pick(2 * PK_PAGE / PK_SECTOR)][pick(PK_SECTOR)] =
			(unsigned char)pick(256);
	for (uint64_t page = 0; known && page < OBJECT_PAGES; page += SECTOR_ENTRIES) {
		struct entries *entries = (void *)((char *)disks[0].now + map_at(page));

		for (unsigned i = 0; i < SECTOR_ENTRIES && page + i < OBJECT_PAGES; i++) {
			struct entry *entry = &entries->entry[i];
			uint64_t at = sector_at(entry->place);

			if (entry->length <= PK_PAGE && at + entry->length <= sizeof(disks[0].now))
				entry->checksum = pk_checksum(page + i, (char *)disks[0].now + at, entry->length);
		}
		entries->checksum = pk_checksum(map_at(page), entries, offsetof(struct entries, checksum));
	}
}

static void read_spoiled(bool known)
{
	unsigned char page[PK_PAGE];

	for (unsigned i = 0; i < OBJECT_PAGES; i++) {
		if (compress.ops.read(NULL, i * PK_PAGE, page, PK_PAGE) != 0) {
			errors_of_pages++;
			continue;
		}
		CHECK(known || (page[0] == as_flushed[i] && is_filled(page)));
	}
}

static void spoil_disks(void)
{
	static unsigned char good[sizeof(disks[0].now)], as_before[OBJECT_PAGES];

	memset(disks, 0, sizeof(disks));
	memset(as_written, 0, sizeof(as_written));
	CHECK(start() == 0);
	for (unsigned n = 0; n < 40; n++)
		write_one();
	CHECK(compress.ops.flush(NULL) == 0);
	memcpy(as_flushed, as_written, sizeof(as_flushed));
	memcpy(as_before, as_written, sizeof(as_before));
	memcpy(good, disks[0].now, sizeof(good));
	for (round_number = 0; round_number < SPOILED_ROUNDS; round_number++) {
		bool known = round_number % 2;

		disks[0].writes = 0;
		memcpy(disks[0].now, good, sizeof(good));
		spoil(known);
		if (start() != 0)
			continue;
		check_sectors();
		read_spoiled(known);
		/* It goes on being used. */
		if (pick(4) == 0 && write_some(&compress, WRITTEN_PAGES, 6)) {
			memcpy(as_flushed, as_written, sizeof(as_flushed));
			CHECK(compress.ops.flush(NULL) == 0 && start() == 0);
			read_spoiled(known);
			memcpy(as_flushed, as_before, sizeof(as_flushed));
			memcpy(as_written, as_before, sizeof(as_written));
		}
	}
	CHECK(errors_of_pages > SPOILED_ROUNDS / 4);
	printf("PASS over a disk with any bytes a page is what it was, or an error\n");
}

int main(void)
{
	memset(may_be, 0, sizeof(may_be));
	for (unsigned i = 0; i < OBJECT_PAGES; i++)
		may_be[i][0] = true;
	CHECK(start() == 0);
	cut_power();
	fill_up();
	spoil_disks();
	forget_program();
	return 0;
}
