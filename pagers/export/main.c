/*
 * export: the object below for NBD clients outside. Arguments: lower=OBJECT channel=NAME [readonly].
 *
 * Clients come by a channel (servers/channel.defs), one at a time; none is asked who it is: whoever reaches the socket
 * at its other end may read and write all of the object. A flush of theirs is one of the object's. As a pager, this one
 * shows the object as it is, to be read.
 */
#include "pagers/remote/stream.h"
#include "server.h"

#include <pagers/kit/kit.h>

#include <errno.h>
#include <pthread.h>

static struct pk_lower *below;

static int read_below(uint64_t offset, void *data, size_t length)
{
	return pk_lower_read(below, offset, data, length);
}

static int write_below(uint64_t offset, const void *data, size_t length)
{
	return pk_lower_write(below, offset, data, length);
}

static int flush_below(void)
{
	return pk_lower_flush(below);
}

static struct nbd_export served = {.stream = &stream, .read = read_below, .write = write_below, .flush = flush_below};

static void *serve(void *unused)
{
	for (;;)
		nbd_serve(&served);
	return unused;
}

static int forward_export(void *self, uint64_t offset, uint64_t *length, struct pk_lower **lower, uint64_t *at)
{
	(void)self, (void)length;
	*lower = below;
	*at = offset;
	return 0;
}

static int read_export(void *self, uint64_t offset, void *pages, size_t length)
{
	(void)self;
	return pk_lower_read(below, offset, pages, length);
}

static int open_export(int argc, char **argv, struct pk_lower **lowers, void **self, uint64_t *size)
{
	const char *channel = pk_argument(&argc, argv, "channel=");
	pthread_t thread;
	int error;

	(void)self;
	served.read_only = pk_argument(&argc, argv, "readonly");
	if (argc != 0 || !channel)
		return EINVAL;
	below = lowers[0];
	*size = served.size = pk_lower_size(below);
	error = stream_open(channel);
	return error ? error : pthread_create(&thread, NULL, serve, NULL);
}

static const struct pk_program export = {
	.name = "export",
	.usage = "channel=NAME [readonly]",
	.lowers = 1,
	.open = open_export,
	.ops = {.read = read_export, .forward = forward_export},
};
PAGER(export)
