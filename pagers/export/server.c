/*
 * The server's side of NBD: see server.h. What a client says is checked here: a length before anything of it is read, a
 * range before the export sees it. One that says what is nothing is not listened to any more; the stream is its to
 * close.
 */
#include "server.h"

#include "pagers/remote/wire.h"

#include <errno.h>
#include <string.h>

enum {
	PATIENCE = 30000, /* ms for a connection, or for the client to take what it asked for; a client may be silent
			     for ever */
	OPTION_MAX = 4096,
	ZEROES = 124, /* behind the answer to OPTION_EXPORT_NAME */
	OVER = -1,    /* the connection is, or nothing of it is listened to */
};

static int send_all(struct nbd_export *e, const unsigned char *end)
{
	return e->stream->send(e->out, (size_t)(end - e->out), PATIENCE) ? OVER : 0;
}

static int receive_all(struct nbd_export *e, unsigned char *to, size_t length)
{
	while (length > 0) {
		size_t got = 0;
		int error = e->stream->receive(to, length, PATIENCE, &got);

		if (error && error != ETIMEDOUT)
			return OVER;
		to += got;
		length -= got;
	}
	return 0;
}

static uint64_t flags_of(const struct nbd_export *e)
{
	return HAS_FLAGS | SEND_FLUSH | SEND_FUA | (e->read_only ? READ_ONLY : 0);
}

/* --- Handshake. */

static unsigned char *begin_reply(struct nbd_export *e, uint64_t option, uint64_t kind, uint64_t length)
{
	unsigned char *to = put(e->out, OPTION_REPLY_MAGIC, 8);

	to = put(to, option, 4);
	to = put(to, kind, 4);
	return put(to, length, 4);
}

static int reply(struct nbd_export *e, uint64_t option, uint64_t kind)
{
	return send_all(e, begin_reply(e, option, kind, 0));
}

static int list(struct nbd_export *e)
{
	int error = send_all(e, put(begin_reply(e, OPTION_LIST, REPLY_SERVER, 4), 0, 4));

	return error ? error : reply(e, OPTION_LIST, REPLY_ACK);
}

/* Of any name: there is one export. */
static int tell(struct nbd_export *e, uint64_t option, const unsigned char *data, uint64_t length)
{
	uint64_t name_length = length >= 6 ? take(&data, 4) : UINT32_MAX;
	unsigned char *to;
	int error;

	if (name_length > length - 6)
		return reply(e, option, REPLY_INVALID);
	to = put(begin_reply(e, option, REPLY_INFO, 12), INFO_EXPORT, 2);
	to = put(to, e->size, 8);
	error = send_all(e, put(to, flags_of(e), 2));
	if (error)
		return error;
	to = put(begin_reply(e, option, REPLY_INFO, 14), INFO_BLOCK_SIZE, 2);
	to = put(to, 1, 4);
	to = put(to, 4096, 4);
	error = send_all(e, put(to, SERVER_TRANSFER_MAX, 4));
	return error ? error : reply(e, option, REPLY_ACK);
}

static int begin_unasked(struct nbd_export *e)
{
	unsigned char *to = put(put(e->out, e->size, 8), flags_of(e), 2);

	memset(to, 0, ZEROES);
	return send_all(e, e->no_zeroes ? to : to + ZEROES);
}

/* One option; *done: requests follow. */
static int serve_option(struct nbd_export *e, bool *done)
{
	const unsigned char *at = e->in;
	uint64_t magic, option, length;
	int error = receive_all(e, e->in, 16);

	if (error)
		return error;
	magic = take(&at, 8);
	option = take(&at, 4);
	length = take(&at, 4);
	if (magic != OPTION_MAGIC || length > OPTION_MAX || receive_all(e, e->in, length))
		return OVER;
	switch (option) {
	case OPTION_EXPORT_NAME:
		*done = true;
		return begin_unasked(e);
	case OPTION_ABORT:
		reply(e, option, REPLY_ACK);
		return OVER;
	case OPTION_LIST:
		return list(e);
	case OPTION_GO:
	case OPTION_INFO:
		error = tell(e, option, e->in, length);
		*done = !error && option == OPTION_GO && e->out[15] == REPLY_ACK;
		return error;
	default:
		return reply(e, option, REPLY_UNSUPPORTED);
	}
}

static int shake_hands(struct nbd_export *e)
{
	const unsigned char *at = e->in;
	bool done = false;
	int error = send_all(e, put(put(put(e->out, GREETING, 8), OPTION_MAGIC, 8), FIXED_NEWSTYLE | NO_ZEROES, 2));
	uint64_t flags;

	if (error || receive_all(e, e->in, 4))
		return OVER;
	flags = take(&at, 4);
	if (flags & ~(uint64_t)(FIXED_NEWSTYLE | NO_ZEROES))
		return OVER;
	e->no_zeroes = flags & NO_ZEROES;
	while (!error && !done)
		error = serve_option(e, &done);
	return error;
}

/* --- Requests. */

static uint64_t error_of(int error)
{
	return error == 0                          ? 0
	       : error == EROFS || error == EACCES ? ERROR_PERMISSION
	       : error == ENOSPC                   ? ERROR_SPACE
	       : error == EINVAL                   ? ERROR_INVALID
						   : ERROR_IO;
}

static int answer(struct nbd_export *e, int error, uint64_t cookie, uint64_t data)
{
	put(put(put(e->out, REPLY_MAGIC, 4), error_of(error), 4), cookie, 8);
	return send_all(e, e->out + 16 + (error ? 0 : data));
}

static int serve_request(struct nbd_export *e)
{
	unsigned char header[REQUEST_SIZE];
	const unsigned char *at = header;
	uint64_t magic, flags, command, cookie, offset, length, data = 0;
	int error = receive_all(e, header, sizeof(header));

	if (error)
		return error;
	magic = take(&at, 4);
	flags = take(&at, 2);
	command = take(&at, 2);
	cookie = take(&at, 8);
	offset = take(&at, 8);
	length = take(&at, 4);
	if (magic != REQUEST_MAGIC || command == COMMAND_DISCONNECT ||
		(command == COMMAND_WRITE && (length > SERVER_TRANSFER_MAX || receive_all(e, e->in, length))))
		return OVER;
	if (command != COMMAND_FLUSH &&
		(length == 0 || length > SERVER_TRANSFER_MAX || offset > e->size || length > e->size - offset))
		return answer(e, EINVAL, cookie, 0);
	if (command == COMMAND_READ) {
		error = e->read(offset, e->out + 16, length);
		data = length;
	} else if (command == COMMAND_WRITE) {
		error = e->read_only ? EROFS : e->write(offset, e->in, length);
		if (!error && flags & COMMAND_FUA)
			error = e->flush();
	} else {
		error = command == COMMAND_FLUSH ? e->flush() : EINVAL;
	}
	return answer(e, error, cookie, data);
}

void nbd_serve(struct nbd_export *e)
{
	bool fresh;
	int error;

	if (e->stream->connect(PATIENCE, &fresh))
		return;
	/* Of one that somebody else has read from nobody knows what comes next. */
	error = fresh ? shake_hands(e) : OVER;
	while (!error)
		error = serve_request(e);
}
