/* The template of a pager: word n of its object is n * n; what is written is kept. Arguments: [pages=N]. */
#include <pagers/kit/kit.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void **kept; /* by page; null: never written */

static int open_squares(int argc, char **argv, struct pk_lower **lowers, void **self, uint64_t *size)
{
	unsigned long pages = 1024;

	(void)lowers, (void)self;
	if (argc > 1 ||
		(argc == 1 && (strncmp(argv[0], "pages=", 6) != 0 || !(pages = strtoul(argv[0] + 6, NULL, 10)))))
		return EINVAL;
	kept = calloc(pages, sizeof(*kept));
	*size = pages * PK_PAGE;
	return kept ? 0 : ENOMEM;
}

static int read_squares(void *self, uint64_t offset, void *pages, size_t length)
{
	uint64_t *word = pages;

	(void)self;
	for (uint64_t n = offset / 8, end = n + length / 8; n < end; n++)
		*word++ = n * n;
	for (size_t at = 0; at < length; at += PK_PAGE)
		if (kept[(offset + at) / PK_PAGE])
			memcpy((char *)pages + at, kept[(offset + at) / PK_PAGE], PK_PAGE);
	return 0;
}

static int write_squares(void *self, uint64_t offset, const void *pages, size_t length)
{
	(void)self;
	for (size_t at = 0; at < length; at += PK_PAGE) {
		void **page = &kept[(offset + at) / PK_PAGE];

		if (!*page && !(*page = malloc(PK_PAGE)))
			return ENOMEM;
		memcpy(*page, (const char *)pages + at, PK_PAGE);
	}
	return 0;
}

static const struct pk_program squares = {
	.name = "squares",
	.usage = "pages=N",
	.open = open_squares,
	.ops = {.read = read_squares, .write = write_squares},
};
PAGER(squares)
