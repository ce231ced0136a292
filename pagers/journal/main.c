/*
 * journal: what is written between two flushes is below whole or not at all. Arguments: lower=OBJECT [log=PAGES]
 * [format].
 *
 * The lower object is a header page, the log, the pages. What is written is kept here, as the messages in which it
 * came: so when this program dies the kernel has it still. A flush
 *
 *   1. writes the group into the log, with its numbers and a checksum, and flushes: from here on it is there;
 *   2. writes each page to its place, and flushes: from here on the log is not needed.
 *
 * A start that finds a log with a good checksum does 2 again, which changes nothing if it had been done. A log that was
 * being written is bad, and all before it had been in its place.
 *
 * A group of more pages than the log has room for is several. With `format` an object whose first page is zeros gets a
 * header; what was behind that is what the pages have.
 */
#include <pagers/kit/group.h>
#include <pagers/kit/lower.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LOG_MIN = 64, LOG_MAX = 4096, NUMBERS = PK_PAGE / sizeof(uint64_t) };
#define MAGIC     0x316c6e724a5000ull /* "PJrnl1" */
#define LOG_MAGIC 0x31676f4c4a5000ull

struct header {
	uint64_t magic, log_pages, pages, checksum;
};

/* The first page of the log; then pages of waiting.number, then the pages. */
struct log {
	uint64_t magic, sequence, count, checksum; /* of the two before, the numbers and the pages */
};

static struct pk_lower *below;
static struct header header;
static unsigned capacity; /* of the log */
static uint64_t sequence;

static struct pk_group waiting;
static bool logged; /* all of it is in the log: it must get to its place before anything else is written */

static uint64_t log_at(uint64_t page)
{
	return (1 + page) * PK_PAGE;
}

static uint64_t page_at(uint64_t page)
{
	return (1 + header.log_pages + page) * PK_PAGE;
}

static unsigned number_pages(unsigned group)
{
	return (group + NUMBERS - 1) / NUMBERS;
}

/* --- Out. */

static int write_log(void)
{
	struct log log = {.magic = LOG_MAGIC, .sequence = sequence + 1, .count = waiting.count};
	uint64_t at = log_at(1 + number_pages(waiting.count));
	int error = 0;

	log.checksum = pk_checksum(0, &log, offsetof(struct log, checksum));
	log.checksum = pk_checksum(log.checksum, waiting.number, waiting.count * sizeof(*waiting.number));
	for (unsigned i = 0; i < waiting.count && !error; i++, at += PK_PAGE) {
		log.checksum = pk_checksum(log.checksum, waiting.page[waiting.number[i]], PK_PAGE);
		error = pk_lower_write(below, at, waiting.page[waiting.number[i]], PK_PAGE);
	}
	if (!error)
		error = pk_lower_write(below, log_at(1), waiting.number, waiting.count * sizeof(*waiting.number));
	if (!error)
		error = pk_lower_write(below, log_at(0), &log, sizeof(log));
	return error ? error : pk_lower_flush(below);
}

/* The group, which is in the log, to its place. */
static int write_home(void)
{
	int error = 0;

	for (unsigned i = 0; i < waiting.count && !error; i++)
		error = pk_lower_write(below, page_at(waiting.number[i]), waiting.page[waiting.number[i]], PK_PAGE);
	if (!error)
		error = pk_lower_flush(below);
	if (error)
		return error;
	pk_group_done(&waiting);
	logged = false;
	return 0;
}

static int flush_journal(void *self)
{
	int error;

	(void)self;
	if (waiting.count == 0)
		return 0;
	if (!logged) {
		error = write_log();
		if (error)
			return error;
		sequence++;
		logged = true;
	}
	return write_home();
}

/* --- In. */

static int take_journal(void *self, uint64_t offset, void *pages, size_t length)
{
	int error = logged ? flush_journal(self) : 0;

	if (!error)
		error = pk_group_room(&waiting, length, flush_journal);
	if (!error)
		pk_group_take(&waiting, offset, pages, length);
	return error;
}

static int read_home(uint64_t number, void *page)
{
	return pk_lower_read(below, page_at(number), page, PK_PAGE);
}

static int read_journal(void *self, uint64_t offset, void *pages, size_t length)
{
	(void)self;
	return pk_group_read(&waiting, offset, pages, length, read_home);
}

/* --- Start. */

/* The group of a log with a good checksum; nothing waits: there is none. */
static int read_log(void)
{
	struct log log;
	uint64_t sum;
	int error = pk_lower_read(below, log_at(0), &log, sizeof(log));

	if (error || log.magic != LOG_MAGIC || log.count == 0 || log.count > capacity)
		return error;
	sum = pk_checksum(0, &log, offsetof(struct log, checksum));
	error = pk_lower_read(below, log_at(1), waiting.number, log.count * sizeof(*waiting.number));
	sum = pk_checksum(sum, waiting.number, log.count * sizeof(*waiting.number));
	for (; waiting.count < log.count && !error; waiting.count++) {
		void *page =
			waiting.number[waiting.count] < header.pages && !waiting.page[waiting.number[waiting.count]]
				? pk_pages_allocate(PK_PAGE)
				: NULL;

		if (!page)
			break;
		error = pk_lower_read(
			below, log_at(1 + number_pages((unsigned)log.count) + waiting.count), page, PK_PAGE);
		sum = pk_checksum(sum, page, PK_PAGE);
		waiting.page[waiting.number[waiting.count]] = page;
	}
	logged = waiting.count == log.count && sum == log.checksum;
	sequence = logged ? log.sequence : 0;
	return error;
}

static int replay(void)
{
	int error = read_log();

	if (!error && logged) {
		pk_log("journal: %u pages of the last group are written again", waiting.count);
		return write_home();
	}
	pk_group_done(&waiting);
	return error;
}

static int format(uint64_t log_pages)
{
	static const unsigned char zeros[PK_PAGE];
	uint64_t pages = pk_lower_size(below) / PK_PAGE;
	int error;

	if (!log_pages)
		log_pages = pages / 8 < LOG_MIN ? LOG_MIN : pages / 8 > LOG_MAX ? LOG_MAX : pages / 8;
	if (log_pages < LOG_MIN || log_pages > LOG_MAX || pages < 2 + log_pages)
		return ENOSPC;
	/* No log of a volume that was here before. */
	error = pk_lower_write(below, log_at(0), zeros, PK_PAGE);
	if (!error)
		error = pk_lower_flush(below);
	header = (struct header){.magic = MAGIC, .log_pages = log_pages, .pages = pages - 1 - log_pages};
	return error ? error : pk_header_write(below, &header, sizeof(header));
}

static int open_header(bool may_format, uint64_t log_pages)
{
	int error = pk_header_read(below, MAGIC, &header, sizeof(header));

	if (error)
		return error == ENOENT && may_format ? format(log_pages) : error;
	if (header.log_pages < LOG_MIN || header.log_pages > LOG_MAX ||
		header.pages > pk_lower_size(below) / PK_PAGE - 1 - header.log_pages)
		return EIO;
	return 0;
}

static int open_journal(int argc, char **argv, struct pk_lower **lowers, void **self, uint64_t *size)
{
	const char *log_pages = pk_argument(&argc, argv, "log=");
	bool may_format = pk_argument(&argc, argv, "format");
	int error;

	(void)self;
	if (argc != 0)
		return EINVAL;
	below = lowers[0];
	error = open_header(may_format, log_pages ? strtoul(log_pages, NULL, 10) : 0);
	if (error)
		return error;
	capacity = (unsigned)header.log_pages - 1;
	capacity -= number_pages(capacity);
	*size = header.pages * PK_PAGE;
	error = pk_group_make(&waiting, header.pages, capacity);
	return error ? error : replay();
}

static const struct pk_program journal = {
	.name = "journal",
	.usage = "[log=PAGES] [format]",
	.lowers = 1,
	.open = open_journal,
	.ops = {.read = read_journal, .take = take_journal, .flush = flush_journal},
};
PAGER(journal)
