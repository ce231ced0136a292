/* A pager over another object: each byte of that, exclusive or with a key. Arguments: lower=OBJECT [key=BYTE]. */
#include <pagers/kit/kit.h>

#include <errno.h>
#include <stdlib.h>

static struct pk_lower *below;
static unsigned char key = 0x55;

static int open_xor(int argc, char **argv, struct pk_lower **lowers, void **self, uint64_t *size)
{
	const char *byte = pk_argument(&argc, argv, "key=");

	(void)self;
	if (argc != 0)
		return EINVAL;
	if (byte)
		key = (unsigned char)strtoul(byte, NULL, 0);
	below = lowers[0];
	*size = pk_lower_size(below);
	return 0;
}

static void change(unsigned char *to, const unsigned char *from, size_t length)
{
	for (size_t i = 0; i < length; i++)
		to[i] = from[i] ^ key;
}

static int read_xor(void *self, uint64_t offset, void *pages, size_t length)
{
	int error = pk_lower_read(below, offset, pages, length);

	(void)self;
	change(pages, pages, length);
	return error;
}

static int write_xor(void *self, uint64_t offset, const void *pages, size_t length)
{
	unsigned char changed[PK_CLUSTER_PAGES * PK_PAGE];

	(void)self;
	change(changed, pages, length);
	return pk_lower_write(below, offset, changed, length);
}

static const struct pk_program xor = {
					   .name = "xor",
					   .usage = "key=BYTE",
					   .lowers = 1,
					   .open = open_xor,
					   .ops = {.read = read_xor, .write = write_xor},
};
PAGER(xor)
