/*
 * remote: the object is an export of an NBD server. Arguments: channel=NAME [export=NAME] [patience=SECONDS]. There is
 * no network yet: the server is reached by a channel to the host (servers/channel.defs), which a socket of the server
 * is connected to.
 *
 * What is written is kept here, as the messages in which it came, until a flush. That writes it to the server and has
 * it flushed there, all over one connection; if that is lost meanwhile, all of it over the next one. So a server that
 * dies loses nothing that was flushed here, unless it lies; and what was not flushed the kernel has still if this
 * program dies. A request waits 20 seconds (or as said) for an answer, over as many connections as it takes; then it
 * fails, and so does each after it at once until the server is there again.
 */
#include "nbd.h"
#include "stream.h"

#include <pagers/kit/group.h>
#include <pagers/kit/kit.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { GROUP_MAX = 1024, TRIES = 8, PATIENCE = 20, PATIENCE_MAX = 20 /* seconds; the kernel has 30 */ };

static struct nbd server;
static struct pk_group waiting;

/* --- Out. */

/* EAGAIN: not all over one connection. */
static int write_group(void)
{
	int error = nbd_open(&server);
	unsigned connection = server.connections;

	for (unsigned i = 0; i < waiting.count && !error; i++)
		error = nbd_write(&server, waiting.number[i] * PK_PAGE, waiting.page[waiting.number[i]], PK_PAGE);
	if (!error)
		error = nbd_flush(&server);
	return error || connection == server.connections ? error : EAGAIN;
}

static int flush_remote(void *self)
{
	int error = waiting.count ? EAGAIN : 0;

	(void)self;
	for (unsigned i = 0; i < TRIES && error == EAGAIN; i++)
		error = write_group();
	if (!error)
		pk_group_done(&waiting);
	return error == EAGAIN ? EIO : error;
}

static int take_remote(void *self, uint64_t offset, void *pages, size_t length)
{
	int error = pk_group_room(&waiting, length, flush_remote);

	(void)self;
	if (!error)
		pk_group_take(&waiting, offset, pages, length);
	return error;
}

/* --- In. */

static int read_remote(void *self, uint64_t offset, void *pages, size_t length)
{
	int error = nbd_read(&server, offset, pages, length);

	(void)self;
	for (size_t at = 0; at < length && !error; at += PK_PAGE) {
		const void *page = waiting.page[(offset + at) / PK_PAGE];

		if (page)
			memcpy((char *)pages + at, page, PK_PAGE);
	}
	return error;
}

/* --- Start. */

static struct pk_program remote;

static int open_remote(int argc, char **argv, struct pk_lower **lowers, void **self, uint64_t *size)
{
	const char *channel = pk_argument(&argc, argv, "channel=");
	const char *name = pk_argument(&argc, argv, "export=");
	const char *patience = pk_argument(&argc, argv, "patience=");
	unsigned long seconds = patience ? strtoul(patience, NULL, 10) : PATIENCE;
	int error;

	(void)lowers, (void)self;
	if (argc != 0 || !channel || (name && strlen(name) > NBD_NAME_MAX) || !seconds || seconds > PATIENCE_MAX)
		return EINVAL;
	if (name)
		strcpy(server.name, name);
	server.stream = &stream;
	server.patience = (unsigned)seconds * 1000;
	if (getrandom(&server.cookie, sizeof(server.cookie), 0) != sizeof(server.cookie))
		return EIO;
	error = stream_open(channel);
	if (!error)
		error = nbd_open(&server);
	if (error)
		return error;
	/* What does not fill a page is left out. */
	*size = server.size / PK_PAGE * PK_PAGE;
	if (server.read_only)
		remote.ops.take = NULL;
	return *size ? pk_group_make(&waiting, *size / PK_PAGE, GROUP_MAX) : ENOSPC;
}

static struct pk_program remote = {
	.name = "remote",
	.usage = "channel=NAME [export=NAME] [patience=SECONDS]",
	.open = open_remote,
	.ops = {.read = read_remote, .take = take_remote, .flush = flush_remote},
};
PAGER(remote)
