/*
 * mirror: two lower objects with the same pages, each with a checksum. Arguments: lower=OBJECT lower=OBJECT [format].
 *
 * A side is a header page, then groups: one page of sums, and the 248 pages that these are for. A sum is a page's
 * checksum and a number that grows with each write of the page; 31 fill a sector, with a checksum of their own.
 *
 * What is written is kept here, as the messages in which it came, until a flush. That writes it to the first side and
 * flushes that, then to the second: so a power cut spoils a page on one side at most, and the other has it, old or new.
 * Reads take the side whose number is higher, and the other if the contents are not what the sum says; what was bad is
 * then written again.
 *
 * A side that cannot be written is lost: the other goes on alone, and says so in its header by a higher generation. At
 * the next start a side of a lower generation takes part again, but its pages do not stand in for newer ones that are
 * bad, until all pages have been compared and made equal, which is done at every start, in the background. With
 * `format` an object whose first page is zeros becomes a side: of a new mirror, or in the place of one that is gone.
 */
#include <pagers/kit/group.h>
#include <pagers/kit/lower.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
	SECTOR_SUMS = 31,
	GROUP_MAX = 1024, /* pages that are kept until there must be a flush */
	READ_ERRORS_MAX = 64,
	NEVER = 0,   /* numbers of a page: it was never written, */
	UNKNOWN = 1, /* its sum is gone; real ones begin behind that */
};
#define MAGIC 0x31726f72694d50ull /* "PMirror1" */

struct header {
	uint64_t magic, pages, generation, checksum;
};

struct sum {
	uint64_t number, checksum;
};

struct sums {
	struct sum sum[SECTOR_SUMS];
	uint64_t unused, checksum;
};
_Static_assert(sizeof(struct sums) == PK_SECTOR, "sums fill a sector");

static struct side {
	struct pk_lower *lower;
	bool lost;
	bool behind;    /* its pages may be older than any that was flushed */
	bool unflushed; /* pages were repaired on it */
	unsigned read_errors;
} side[2];
static struct header header; /* of those sides that are not behind */
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

static struct pk_group waiting;

/* --- Where what is. */

static uint64_t page_at(uint64_t page)
{
	return pk_noted_page_at(SECTOR_SUMS, page);
}

static uint64_t sums_at(uint64_t page)
{
	return pk_notes_at(SECTOR_SUMS, page);
}

/* --- One side. */

static uint64_t checksum_of(const struct sums *sums, uint64_t at)
{
	return pk_checksum(at, sums, offsetof(struct sums, checksum));
}

/* Bad sums are unknown ones. */
static int read_sums(struct side *s, uint64_t page, struct sums *sums)
{
	int error = s->lost ? EIO : pk_lower_read(s->lower, sums_at(page), sums, sizeof(*sums));

	if (error || checksum_of(sums, sums_at(page)) == sums->checksum)
		return error;
	for (unsigned i = 0; i < SECTOR_SUMS; i++)
		sums->sum[i].number = UNKNOWN;
	return 0;
}

/* What the side says of the page. */
static struct sum sum_of(struct side *s, uint64_t page)
{
	struct sums sums;

	return read_sums(s, page, &sums) ? (struct sum){.number = UNKNOWN} : sums.sum[page % SECTOR_SUMS];
}

/* The page as its sum says, or EIO. */
static int read_side(struct side *s, uint64_t page, struct sum sum, void *data)
{
	int error = s->lost || sum.number == UNKNOWN ? EIO : 0;

	if (!error && sum.number == NEVER)
		memset(data, 0, PK_PAGE);
	else if (!error && (error = pk_lower_read(s->lower, page_at(page), data, PK_PAGE)))
		s->read_errors++;
	if (!error && sum.number != NEVER && pk_checksum(page, data, PK_PAGE) != sum.checksum)
		error = EIO;
	return error;
}

static int write_side(struct side *s, uint64_t page, uint64_t number, const void *data)
{
	struct sums sums;
	int error = read_sums(s, page, &sums);

	if (!error && number > UNKNOWN)
		error = pk_lower_write(s->lower, page_at(page), data, PK_PAGE);
	sums.sum[page % SECTOR_SUMS] = (struct sum){.number = number, .checksum = pk_checksum(page, data, PK_PAGE)};
	sums.unused = 0;
	sums.checksum = checksum_of(&sums, sums_at(page));
	return error ? error : pk_lower_write(s->lower, sums_at(page), &sums, sizeof(sums));
}

static int flush_side(struct side *s)
{
	int error = pk_lower_flush(s->lower);

	if (!error)
		s->unflushed = false;
	return error;
}

static int write_header(struct side *s)
{
	return pk_header_write(s->lower, &header, sizeof(header));
}

/* The other goes on without it, and knows that before anything else is promised. */
static void lose(struct side *s)
{
	struct side *other = &side[s == side];

	if (s->lost)
		return;
	s->lost = true;
	pk_log("mirror: side %d is lost; the other goes on alone", (int)(s - side) + 1);
	if (other->lost)
		return;
	header.generation++;
	if (write_header(other))
		lose(other);
}

/* --- Both. */

/* Which side to ask first. The numbers of one that is behind say nothing. */
static unsigned better(const struct sum sum[2])
{
	if (side[0].behind || side[1].behind)
		return side[0].behind;
	return sum[1].number > sum[0].number;
}

static bool same(const struct sum sum[2])
{
	return sum[0].number == sum[1].number && sum[0].checksum == sum[1].checksum;
}

/* The page from the better side, or from the other, and then it is written to the one that had it not; its number. */
static int read_page(uint64_t page, void *data, bool compare)
{
	struct sum sum[2] = {sum_of(&side[0], page), sum_of(&side[1], page)};
	unsigned first = better(sum), from = first;
	unsigned char other[PK_PAGE];
	int error = read_side(&side[first], page, sum[first], data);

	/* An older page is in the place of a newer one only where that cannot have been flushed. */
	if (side[first].read_errors > READ_ERRORS_MAX)
		lose(&side[first]);
	if (error && (!side[!first].behind || same(sum))) {
		from = !first;
		error = read_side(&side[from], page, sum[from], data);
	}
	if (error)
		return error;
	if ((from != first || compare) && !side[!from].lost &&
		(!same(sum) || read_side(&side[!from], page, sum[!from], other))) {
		side[!from].unflushed = true;
		if (write_side(&side[!from], page, sum[from].number, data))
			lose(&side[!from]);
	}
	return 0;
}

static int write_group(struct side *s, const uint64_t *page_numbers)
{
	int error = 0;

	for (unsigned i = 0; i < waiting.count && !error; i++)
		error = write_side(s, waiting.number[i], page_numbers[i], waiting.page[waiting.number[i]]);
	return error ? error : flush_side(s);
}

static int flush_mirror(void *self)
{
	static uint64_t page_numbers[GROUP_MAX];

	(void)self;
	/* No page is under way on both sides. */
	for (unsigned i = 0; i < 2; i++)
		if (!side[i].lost && side[i].unflushed && flush_side(&side[i]))
			lose(&side[i]);
	for (unsigned i = 0; i < waiting.count; i++) {
		struct sum sum[2] = {sum_of(&side[0], waiting.number[i]), sum_of(&side[1], waiting.number[i])};
		uint64_t highest = sum[better(sum)].number;

		page_numbers[i] = (highest < UNKNOWN ? UNKNOWN : highest) + 1;
	}
	for (unsigned i = 0; i < 2 && waiting.count; i++)
		if (!side[i].lost && write_group(&side[i], page_numbers))
			lose(&side[i]);
	if (side[0].lost && side[1].lost)
		return EIO;
	pk_group_done(&waiting);
	return 0;
}

static int take_mirror(void *self, uint64_t offset, void *pages, size_t length)
{
	int error = pk_group_room(&waiting, length, flush_mirror);

	(void)self;
	if (!error)
		pk_group_take(&waiting, offset, pages, length);
	return error;
}

static int read_one(uint64_t page, void *data)
{
	return read_page(page, data, false);
}

static int read_mirror(void *self, uint64_t offset, void *pages, size_t length)
{
	(void)self;
	return pk_group_read(&waiting, offset, pages, length, read_one);
}

static void begin(void *self)
{
	(void)self;
	pthread_mutex_lock(&turn);
}

static void end(void *self)
{
	(void)self;
	pthread_mutex_unlock(&turn);
}

/* --- Making the sides equal. */

/* All pages are equal: a side that was behind counts again. */
static void made_equal(uint64_t bad)
{
	for (unsigned i = 0; i < 2; i++)
		if (!side[i].lost && side[i].unflushed && flush_side(&side[i]))
			lose(&side[i]);
	pk_log("mirror: the sides were compared; %llu pages are on neither", (unsigned long long)bad);
	for (unsigned i = 0; i < 2; i++)
		if (side[i].behind && !side[i].lost && !side[!i].lost) {
			if (write_header(&side[i]))
				lose(&side[i]);
			else
				side[i].behind = false;
		}
}

/* On neither side: what one has that was behind must not stand in for it when it counts again. */
static void give_up(uint64_t page, const void *data)
{
	for (unsigned i = 0; i < 2; i++)
		if (side[i].behind && !side[i].lost) {
			side[i].unflushed = true;
			if (write_side(&side[i], page, UNKNOWN, data))
				lose(&side[i]);
		}
}

static void *compare(void *unused)
{
	unsigned char data[PK_PAGE] = {0};
	uint64_t bad = 0;

	for (uint64_t page = 0; page < header.pages; page++) {
		begin(NULL);
		if (!waiting.page[page] && read_page(page, data, true) != 0) {
			give_up(page, data);
			bad++;
		}
		end(NULL);
	}
	begin(NULL);
	made_equal(bad);
	end(NULL);
	return unused;
}

/* --- Start. */

static uint64_t pages_in(const struct side *s)
{
	return pk_noted_pages(SECTOR_SUMS, pk_lower_size(s->lower));
}

/* A header with zeros in it: there is none. */
static int read_header(const struct side *s, struct header *h)
{
	int error = pk_header_read(s->lower, MAGIC, h, sizeof(*h));

	if (error)
		return error == ENOENT ? 0 : error;
	return h->pages > pages_in(s) ? EFBIG : 0;
}

/* Two new sides: no page was ever written. The headers last. */
static int format(void)
{
	uint64_t one = pages_in(&side[0]), other = pages_in(&side[1]);
	struct sums none = {.unused = 0};
	int error;

	header = (struct header){.magic = MAGIC, .pages = one < other ? one : other, .generation = 1};
	error = header.pages ? 0 : ENOSPC;
	for (unsigned i = 0; i < 2; i++) {
		for (uint64_t page = 0; page < header.pages && !error; page += SECTOR_SUMS) {
			none.checksum = checksum_of(&none, sums_at(page));
			error = pk_lower_write(side[i].lower, sums_at(page), &none, sizeof(none));
		}
		if (!error)
			error = pk_lower_flush(side[i].lower);
	}
	for (unsigned i = 0; i < 2 && !error; i++)
		error = write_header(&side[i]);
	return error;
}

/* What a new side has is nothing: its sums are no sums until its pages have been compared. */
static int join(struct side *s)
{
	static const struct sums unknown;
	int error = header.pages > pages_in(s) ? EFBIG : 0;

	for (uint64_t page = 0; page < header.pages && !error; page += SECTOR_SUMS)
		error = pk_lower_write(s->lower, sums_at(page), &unknown, sizeof(unknown));
	return error ? error : pk_lower_flush(s->lower);
}

static int open_sides(bool may_format)
{
	struct header h[2];
	int error = read_header(&side[0], &h[0]);

	if (!error)
		error = read_header(&side[1], &h[1]);
	if (error)
		return error;
	if (!h[0].magic && !h[1].magic)
		return may_format ? format() : EINVAL;
	header = h[h[1].generation > h[0].generation];
	for (unsigned i = 0; i < 2 && !error; i++) {
		side[i].behind = h[i].generation < header.generation;
		if (!h[i].magic)
			error = may_format ? join(&side[i]) : EINVAL;
		else if (h[i].pages != header.pages)
			error = EINVAL;
	}
	return error;
}

static int open_mirror(int argc, char **argv, struct pk_lower **lowers, void **self, uint64_t *size)
{
	bool may_format = pk_argument(&argc, argv, "format");
	pthread_t thread;
	int error;

	(void)self;
	if (argc != 0)
		return EINVAL;
	for (unsigned i = 0; i < 2; i++)
		side[i].lower = lowers[i];
	error = open_sides(may_format);
	if (error)
		return error;
	*size = header.pages * PK_PAGE;
	error = pk_group_make(&waiting, header.pages, GROUP_MAX);
	return error ? error : pthread_create(&thread, NULL, compare, NULL);
}

static const struct pk_program mirror = {
	.name = "mirror",
	.usage = "[format]",
	.lowers = 2,
	.open = open_mirror,
	.ops = {.read = read_mirror, .take = take_mirror, .flush = flush_mirror, .begin = begin, .end = end},
};
PAGER(mirror)
