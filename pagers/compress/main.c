/*
 * compress: what is written is kept below in as few sectors as zstd makes of it. Arguments: lower=OBJECT [pages=N]
 * [format].
 *
 * The lower object is a header page, the map, sectors. The map has for each page its place, a run of sectors, the
 * length there and a checksum of what is there; 31 entries fill a sector, with a checksum of their own. A page that
 * does not get smaller is stored as it is; one of zeros takes no sector.
 *
 * A page that is written gets another place, never the one that it has: it is written there at once, and kept here as
 * the message in which it came, so that the kernel has it still if this program dies. A flush
 *
 *   1. flushes below: the new places are on the medium, and nothing there says so;
 *   2. writes the map's sectors and flushes: from here on the places of before are free.
 *
 * So a page is after a power cut as it was flushed, or as it was written later. Where no run of free sectors is long
 * enough after a flush, it is ENOSPC, and what the kernel has it keeps. With `format` an object whose first page is
 * zeros gets a header and an empty map, of twice as many pages as it has itself, or of N.
 */
#include <pagers/kit/group.h>
#include <pagers/kit/lower.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

enum { SECTOR_ENTRIES = 31, MAP_PAGE_ENTRIES = PK_PAGE / PK_SECTOR * SECTOR_ENTRIES, GROUP_MAX = 1024, LEVEL = 3 };
#define LOST  UINT32_MAX /* a length: what the entry said is gone, and the page is an error until it is written */
#define MAGIC 0x317373704d435000ull

struct header {
	uint64_t magic, pages, checksum;
};

struct entry {
	uint64_t checksum;
	uint32_t place;  /* the first of its sectors, of those behind the map */
	uint32_t length; /* in bytes; 0: the page is zeros; PK_PAGE: as it is */
};

struct entries {
	struct entry entry[SECTOR_ENTRIES];
	uint64_t unused, checksum;
};
_Static_assert(sizeof(struct entries) == PK_SECTOR, "entries fill a sector");

static struct pk_lower *below;
static struct header header;
static struct entry *mapped; /* by page, as in the map that was flushed last */
static struct entry *newest; /* the same, or where a page that waits was written */
static bool *used;           /* by sector: of either */
static uint64_t sectors, sectors_free, next_sector;
static uint64_t pages_stored; /* that are not zeros, of the newest */

static struct pk_group waiting;
static bool failed; /* a flush did: the group must be below before anything else is written */

static ZSTD_CCtx *packer;
static ZSTD_DCtx *unpacker;

static uint64_t map_pages(void)
{
	return (header.pages + MAP_PAGE_ENTRIES - 1) / MAP_PAGE_ENTRIES;
}

static uint64_t map_at(uint64_t page)
{
	return PK_PAGE + page / SECTOR_ENTRIES * PK_SECTOR;
}

static uint64_t sector_at(uint64_t sector)
{
	return (1 + map_pages()) * PK_PAGE + sector * PK_SECTOR;
}

/* --- Places. */

static bool has_place(const struct entry *entry)
{
	return entry->length != 0 && entry->length != LOST;
}

static uint64_t sectors_of(const struct entry *entry)
{
	return has_place(entry) ? (entry->length + PK_SECTOR - 1) / PK_SECTOR : 0;
}

/* Its sectors are used, or free; of an entry without a place there are none. */
static void mark(const struct entry *entry, bool use)
{
	uint64_t count = sectors_of(entry);

	memset(used + entry->place, use, count);
	sectors_free = use ? sectors_free - count : sectors_free + count;
}

/* The next run of free sectors that is long enough, or ENOSPC. */
static int take_place(struct entry *entry)
{
	uint64_t wanted = sectors_of(entry), run = 0;

	if (wanted > sectors_free)
		return ENOSPC;
	for (uint64_t seen = 0; run < wanted; seen++) {
		if (seen == sectors + wanted)
			return ENOSPC;
		if (next_sector == sectors)
			next_sector = run = 0;
		run = used[next_sector++] ? 0 : run + 1;
	}
	entry->place = (uint32_t)(next_sector - wanted);
	mark(entry, true);
	return 0;
}

/* --- Out. */

/* What the page becomes, its length, and the checksum; good until the next one. */
static const void *pack(uint64_t number, const void *page, struct entry *entry)
{
	static const unsigned char zeros[PK_PAGE];
	static unsigned char packed[PK_PAGE - PK_SECTOR];
	const void *bytes = packed;
	size_t length = 0;

	if (memcmp(page, zeros, PK_PAGE) != 0)
		length = ZSTD_compressCCtx(packer, packed, sizeof(packed), page, PK_PAGE, LEVEL);
	if (ZSTD_isError(length)) {
		bytes = page;
		length = PK_PAGE;
	}
	*entry = (struct entry){.length = (uint32_t)length, .checksum = pk_checksum(number, bytes, length)};
	return bytes;
}

/* Puts the page into a place of its own; without one it is nowhere. */
static int put(uint64_t number, const void *page, struct entry *entry)
{
	const void *bytes = pack(number, page, entry);
	int error = take_place(entry);

	if (error) {
		entry->length = 0;
		return error;
	}
	return has_place(entry) ? pk_lower_write(below, sector_at(entry->place), bytes, entry->length) : 0;
}

/* All of the range, or nothing of it. */
static int put_all(uint64_t first, const char *pages, uint64_t count, struct entry *entries)
{
	uint64_t done = 0;
	int error = 0;

	for (; done < count && !error; done++)
		error = put(first + done, pages + done * PK_PAGE, &entries[done]);
	while (error && done > 0)
		mark(&entries[--done], false);
	return error;
}

/* What was put may have been lost below, where a flush has failed. */
static int put_again(void)
{
	int error = 0;

	for (unsigned i = 0; i < waiting.count && !error; i++) {
		uint64_t number = waiting.number[i];
		struct entry entry;
		const void *bytes = pack(number, waiting.page[number], &entry);

		if (has_place(&entry))
			error = pk_lower_write(below, sector_at(newest[number].place), bytes, entry.length);
	}
	return error;
}

/* The sector of the map in which the page is. */
static int write_entries(uint64_t page)
{
	uint64_t first = page / SECTOR_ENTRIES * SECTOR_ENTRIES;
	struct entries entries = {.unused = 0};

	for (unsigned i = 0; i < SECTOR_ENTRIES && first + i < header.pages; i++)
		entries.entry[i] = newest[first + i];
	entries.checksum = pk_checksum(map_at(page), &entries, offsetof(struct entries, checksum));
	return pk_lower_write(below, map_at(page), &entries, sizeof(entries));
}

static int flush_compress(void *self)
{
	int error = failed ? put_again() : 0;

	(void)self;
	if (waiting.count == 0)
		return pk_lower_flush(below);
	failed = true;
	if (!error)
		error = pk_lower_flush(below);
	for (unsigned i = 0; i < waiting.count && !error; i++)
		error = write_entries(waiting.number[i]);
	if (!error)
		error = pk_lower_flush(below);
	if (error)
		return error;
	for (unsigned i = 0; i < waiting.count; i++) {
		uint64_t number = waiting.number[i];

		mark(&mapped[number], false);
		mapped[number] = newest[number];
	}
	pk_group_done(&waiting);
	failed = false;
	return 0;
}

/* --- In. */

/* The newest place of a page is another; the one that is in the map stays used until the next flush. */
static void move_page(uint64_t number, const struct entry *entry)
{
	if (waiting.page[number])
		mark(&newest[number], false);
	pages_stored += has_place(entry);
	pages_stored -= has_place(&newest[number]);
	newest[number] = *entry;
}

static int take_compress(void *self, uint64_t offset, void *pages, size_t length)
{
	static struct entry entries[GROUP_MAX];
	uint64_t first = offset / PK_PAGE, count = length / PK_PAGE;
	int error = failed ? flush_compress(self) : 0;

	if (!error)
		error = pk_group_room(&waiting, length, flush_compress);
	if (first + count > header.pages)
		count = first < header.pages ? header.pages - first : 0;
	if (!error)
		error = put_all(first, pages, count, entries);
	/* The places of before may be enough. */
	if (error == ENOSPC && waiting.count != 0) {
		error = flush_compress(self);
		if (!error)
			error = put_all(first, pages, count, entries);
	}
	if (error)
		return error;
	for (uint64_t i = 0; i < count; i++)
		move_page(first + i, &entries[i]);
	pk_group_take(&waiting, offset, pages, length);
	return 0;
}

static int read_page(uint64_t number, void *page)
{
	static unsigned char bytes[PK_PAGE];
	const struct entry *entry = &mapped[number];
	int error;

	if (!has_place(entry)) {
		memset(page, 0, PK_PAGE);
		return entry->length == LOST ? EIO : 0;
	}
	error = pk_lower_read(below, sector_at(entry->place), bytes, entry->length);
	if (!error && pk_checksum(number, bytes, entry->length) != entry->checksum)
		error = EIO;
	if (!error && entry->length == PK_PAGE)
		memcpy(page, bytes, PK_PAGE);
	else if (!error && ZSTD_decompressDCtx(unpacker, page, PK_PAGE, bytes, entry->length) != PK_PAGE)
		error = EIO;
	return error;
}

static int read_compress(void *self, uint64_t offset, void *pages, size_t length)
{
	(void)self;
	return pk_group_read(&waiting, offset, pages, length, read_page);
}

static void count_compress(void *self, pager_counters_t *counters)
{
	(void)self;
	counters->contents = pages_stored * PK_PAGE;
	counters->stored = (sectors - sectors_free) * PK_SECTOR;
}

/* --- Start. */

/* The header last. */
static int format(uint64_t pages)
{
	uint64_t below_pages = pk_lower_size(below) / PK_PAGE;
	int error = 0;

	header = (struct header){.magic = MAGIC, .pages = pages ? pages : 2 * below_pages};
	if (header.pages == 0 || map_pages() + 2 > below_pages)
		return ENOSPC;
	newest = calloc(header.pages, sizeof(*newest));
	if (!newest)
		return ENOMEM;
	for (uint64_t page = 0; page < header.pages && !error; page += SECTOR_ENTRIES)
		error = write_entries(page);
	free(newest);
	newest = NULL;
	if (!error)
		error = pk_lower_flush(below);
	return error ? error : pk_header_write(below, &header, sizeof(header));
}

static int open_header(bool may_format, uint64_t pages)
{
	int error = pk_header_read(below, MAGIC, &header, sizeof(header));

	if (error)
		return error == ENOENT && may_format ? format(pages) : error;
	return header.pages == 0 || header.pages > INT64_MAX / PK_PAGE ||
			       map_pages() + 2 > pk_lower_size(below) / PK_PAGE
		       ? EIO
		       : 0;
}

/* Whether its place is one, and no other page's. */
static bool is_possible(const struct entry *entry)
{
	if (entry->length == 0 || entry->length == LOST)
		return true;
	return entry->length <= PK_PAGE && entry->place < sectors && sectors_of(entry) <= sectors - entry->place &&
	       !memchr(used + entry->place, true, sectors_of(entry));
}

/* The map, as far as it can be: what a bad sector said is lost, and so is a page with a place that cannot be. */
static int read_map(void)
{
	struct entries entries;
	int error = 0;

	for (uint64_t page = 0; page < header.pages && !error; page++) {
		struct entry *entry = &mapped[page];

		if (page % SECTOR_ENTRIES == 0)
			error = pk_lower_read(below, map_at(page), &entries, sizeof(entries));
		if (page % SECTOR_ENTRIES == 0 &&
			entries.checksum != pk_checksum(map_at(page), &entries, offsetof(struct entries, checksum)))
			memset(&entries, -1, sizeof(entries));
		*entry = entries.entry[page % SECTOR_ENTRIES];
		if (!is_possible(entry))
			entry->length = LOST;
		if (!has_place(entry))
			entry->place = 0;
		mark(entry, true);
		pages_stored += has_place(entry);
		newest[page] = *entry;
	}
	return error;
}

static int open_compress(int argc, char **argv, struct pk_lower **lowers, void **self, uint64_t *size)
{
	const char *pages = pk_argument(&argc, argv, "pages=");
	bool may_format = pk_argument(&argc, argv, "format");
	int error;

	(void)self;
	if (argc != 0)
		return EINVAL;
	below = lowers[0];
	error = open_header(may_format, pages ? strtoul(pages, NULL, 10) : 0);
	if (error)
		return error;
	sectors = sectors_free = (pk_lower_size(below) / PK_PAGE - 1 - map_pages()) * (PK_PAGE / PK_SECTOR);
	if (sectors > UINT32_MAX)
		return EFBIG;
	*size = header.pages * PK_PAGE;
	mapped = calloc(header.pages, sizeof(*mapped));
	newest = calloc(header.pages, sizeof(*newest));
	used = calloc(sectors, sizeof(*used));
	packer = ZSTD_createCCtx();
	unpacker = ZSTD_createDCtx();
	if (!mapped || !newest || !used || !packer || !unpacker)
		return ENOMEM;
	error = pk_group_make(&waiting, header.pages, GROUP_MAX);
	return error ? error : read_map();
}

static const struct pk_program compress = {
	.name = "compress",
	.usage = "[pages=N] [format]",
	.lowers = 1,
	.open = open_compress,
	.ops = {.read = read_compress, .take = take_compress, .flush = flush_compress, .counters = count_compress},
};
PAGER(compress)
