/*
 * A pager (faulty's argument pass) that forwards all of its lower object and keeps what is written to itself: it takes
 * lower=OBJECT. Page 6 it does not forward: there its own contents are, 6 in each byte. With the argument drops, what
 * is written to page 8 is forgotten: it is forwarded again when the kernel has dropped it.
 */
#include "faulty.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { OWN = 6, FORGOTTEN = 8 };

static struct pk_lower *below;
static void **kept;
static bool drops;

static int open_pass(int argc, char **argv, struct pk_lower **lowers, void **self, uint64_t *size)
{
	(void)self;
	for (int i = 0; i < argc; i++)
		drops = drops || strcmp(argv[i], "drops") == 0;
	below = lowers[0];
	*size = pk_lower_size(below);
	kept = calloc(*size / PK_PAGE + 1, sizeof(*kept));
	if (kept && *size / PK_PAGE > OWN && (kept[OWN] = malloc(PK_PAGE)))
		memset(kept[OWN], OWN, PK_PAGE);
	return kept ? 0 : ENOMEM;
}

static int forward_pass(void *self, uint64_t offset, uint64_t *length, struct pk_lower **lower, uint64_t *at)
{
	uint64_t end = offset;

	(void)self;
	while (end < pk_lower_size(below) && !kept[end / PK_PAGE])
		end += PK_PAGE;
	*length = end - offset;
	*lower = below;
	*at = offset;
	return 0;
}

static int read_pass(void *self, uint64_t offset, void *pages, size_t length)
{
	(void)self;
	if (!kept[offset / PK_PAGE])
		return pk_lower_read(below, offset, pages, length);
	memcpy(pages, kept[offset / PK_PAGE], length);
	return 0;
}

static int write_pass(void *self, uint64_t offset, const void *pages, size_t length)
{
	(void)self;
	for (size_t at = 0; at < length; at += PK_PAGE) {
		void **page = &kept[(offset + at) / PK_PAGE];

		if (drops && (offset + at) / PK_PAGE == FORGOTTEN)
			continue;
		if (!*page && !(*page = malloc(PK_PAGE)))
			return ENOMEM;
		memcpy(*page, (const char *)pages + at, length - at < PK_PAGE ? length - at : PK_PAGE);
	}
	return 0;
}

const struct pk_program pass = {
	.name = "pass",
	.usage = "drops",
	.lowers = 1,
	.open = open_pass,
	.ops = {.read = read_pass, .write = write_pass, .forward = forward_pass},
};
