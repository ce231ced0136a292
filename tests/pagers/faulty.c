/*
 * A pager with faults: each byte of page n is n; page 3 cannot be read; page 7 cannot be written; of writes to page 5
 * the first two fail; it is never longer than 64 pages. It begins with 32 pages and is changed in size. With the
 * argument read-only nobody may write to it, with deaf it never serves.
 */
#include "faulty.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PAGES = 32, PAGES_MAX = 64, BAD_TO_READ = 3, SOON_WRITTEN = 5, NEVER_WRITTEN = 7 };

static char pages_of[PAGES_MAX][PK_PAGE];
static unsigned failed_writes;

static int open_faulty(int argc, char **argv, struct pk_lower **lowers, void **self, uint64_t *size)
{
	(void)lowers;
	while (argc > 0 && strcmp(argv[0], "deaf") == 0)
		sleep(1);
	*self = pages_of;
	for (unsigned i = 0; i < PAGES; i++)
		memset(pages_of[i], (int)i, PK_PAGE);
	*size = PAGES * PK_PAGE;
	return 0;
}

static int has(uint64_t offset, size_t length, unsigned page)
{
	return offset <= page * PK_PAGE && offset + length > page * PK_PAGE;
}

static int read_faulty(void *self, uint64_t offset, void *pages, size_t length)
{
	if (has(offset, length, BAD_TO_READ))
		return EIO;
	memcpy(pages, (char *)self + offset, length);
	return 0;
}

static int write_faulty(void *self, uint64_t offset, const void *pages, size_t length)
{
	if (has(offset, length, NEVER_WRITTEN) || (has(offset, length, SOON_WRITTEN) && failed_writes++ < 2))
		return ENOSPC;
	memcpy((char *)self + offset, pages, length);
	return 0;
}

static int resize_faulty(void *self, uint64_t size)
{
	if (size > PAGES_MAX * PK_PAGE)
		return ENOSPC;
	memset((char *)self + size, 0, PAGES_MAX * PK_PAGE - size);
	return 0;
}

static const struct pk_program faulty = {
	.name = "faulty",
	.open = open_faulty,
	.ops = {.read = read_faulty, .write = write_faulty, .resize = resize_faulty},
};
static const struct pk_program read_only = {.name = "read-only", .open = open_faulty, .ops = {.read = read_faulty}};

int main(int argc, char **argv)
{
	const char *last = argc > 1 ? argv[argc - 1] : "";

	return pk_main(argc, argv,
		strcmp(last, "read-only") == 0 ? &read_only
		: strcmp(last, "pass") == 0    ? &pass
					       : &faulty);
}
