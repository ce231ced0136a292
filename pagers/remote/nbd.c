/* The client's side of NBD: see nbd.h. */
#include "nbd.h"
#include "wire.h"

#include <errno.h>
#include <string.h>

enum {
	ANSWER = 8000, /* ms for the next bytes of a connection */

	REPLIES_MAX = 64,
	REPLY_DATA_MAX = 4096,
	BLOCK_MAX = 4096, /* requests are of that many bytes, and multiples */
	BROKEN = -1,      /* the connection is of no use any more */
};
/* --- The stream. */

static unsigned time_left(const struct nbd *n)
{
	uint64_t now = n->stream->now();

	return now >= n->limit ? 0 : n->limit - now < ANSWER ? (unsigned)(n->limit - now) : ANSWER;
}

static int send_all(struct nbd *n, const unsigned char *end)
{
	return n->stream->send(n->out, (size_t)(end - n->out), time_left(n)) ? BROKEN : 0;
}

static int receive_all(struct nbd *n, void *data, size_t length)
{
	unsigned char *to = data;
	int error = 0;

	while (length > 0 && !error) {
		size_t part = n->in_length - n->in_at < length ? n->in_length - n->in_at : length;

		memcpy(to, n->in + n->in_at, part);
		n->in_at += part;
		if (part == 0 && length >= sizeof(n->in))
			error = n->stream->receive(to, length, time_left(n), &part);
		else if (part == 0) {
			n->in_at = n->in_length = 0;
			error = n->stream->receive(n->in, sizeof(n->in), time_left(n), &n->in_length);
		}
		to += part;
		length -= part;
	}
	return error ? BROKEN : 0;
}

/* Says what is nothing in any state of the protocol: so the server ends the connection. */
static void hang_up(struct nbd *n)
{
	memset(n->out, 0xff, 64);
	n->stream->send(n->out, 64, ANSWER);
	n->connected = false;
}

/* --- Handshake. */

static int greet(struct nbd *n)
{
	unsigned char greeting[18];
	const unsigned char *at = greeting;
	uint64_t first, second, flags;
	int error = receive_all(n, greeting, sizeof(greeting));

	if (error)
		return error;
	first = take(&at, 8);
	second = take(&at, 8);
	flags = take(&at, 2);
	if (first != GREETING || second != OPTION_MAGIC || !(flags & FIXED_NEWSTYLE))
		return BROKEN;
	return send_all(n, put(n->out, FIXED_NEWSTYLE | (flags & NO_ZEROES), 4));
}

static int ask_for_export(struct nbd *n)
{
	size_t length = strlen(n->name);
	unsigned char *to = put(n->out, OPTION_MAGIC, 8);

	to = put(to, OPTION_GO, 4);
	to = put(to, 4 + length + 2 + 2, 4);
	to = put(to, length, 4);
	memcpy(to, n->name, length);
	to = put(to + length, 1, 2);
	return send_all(n, put(to, INFO_BLOCK_SIZE, 2));
}

/* What the server says of the export. EPROTO: that cannot be used here. */
static int hear_of_export(struct nbd *n, const unsigned char *data, size_t length, bool *known)
{
	uint64_t kind, size, flags, least, most;

	if (length < 2)
		return BROKEN;
	kind = take(&data, 2);
	if (kind == INFO_EXPORT && length == 12) {
		size = take(&data, 8);
		flags = take(&data, 2);
		if (!(flags & HAS_FLAGS))
			return BROKEN;
		/* Another size is another export, and so are writes that are refused from now on. */
		if (size > INT64_MAX || (n->size && (size != n->size || (!n->read_only && flags & READ_ONLY))))
			return EPROTO;
		n->size = size;
		n->read_only = flags & READ_ONLY;
		n->can_flush = flags & SEND_FLUSH;
		*known = true;
	} else if (kind == INFO_BLOCK_SIZE && length == 14) {
		least = take(&data, 4);
		take(&data, 4);
		most = take(&data, 4);
		if (least > BLOCK_MAX || most < BLOCK_MAX)
			return EPROTO;
		if (most < n->request_max)
			n->request_max = most - most % BLOCK_MAX;
	}
	return 0;
}

static int hear_reply(struct nbd *n, bool *known, bool *done)
{
	unsigned char header[20], data[REPLY_DATA_MAX];
	const unsigned char *at = header;
	uint64_t magic, option, kind, length;
	int error = receive_all(n, header, sizeof(header));

	if (error)
		return error;
	magic = take(&at, 8);
	option = take(&at, 4);
	kind = take(&at, 4);
	length = take(&at, 4);
	if (magic != OPTION_REPLY_MAGIC || option != OPTION_GO || length > sizeof(data))
		return BROKEN;
	error = receive_all(n, data, length);
	if (error)
		return error;
	if (kind & REPLY_ERROR)
		return kind == REPLY_UNKNOWN ? ENOENT : EPROTO;
	*done = kind == REPLY_ACK;
	return kind == REPLY_INFO ? hear_of_export(n, data, length, known) : *done && !*known ? BROKEN : 0;
}

static int shake_hands(struct nbd *n)
{
	bool known = false, done = false;
	int error = greet(n);

	n->request_max = NBD_REQUEST_MAX;
	if (!error)
		error = ask_for_export(n);
	for (unsigned i = 0; i < REPLIES_MAX && !error && !done; i++)
		error = hear_reply(n, &known, &done);
	return error || done ? error : BROKEN;
}

/* Over the next connection. BROKEN: try again, if there is time. */
static int connect_once(struct nbd *n)
{
	bool fresh;
	int error;

	n->in_at = n->in_length = 0;
	if (n->stream->connect(time_left(n), &fresh))
		return BROKEN;
	n->connections++;
	if (n->down)
		n->limit = n->stream->now() + ANSWER;
	n->down = false;
	error = fresh ? shake_hands(n) : BROKEN;
	n->connected = error == 0;
	if (error)
		hang_up(n);
	return error;
}

/* --- Requests. */

struct request {
	unsigned command;
	uint64_t offset;
	void *in;
	const void *out;
	size_t length;
};

static int errno_of(uint64_t error)
{
	return error == ERROR_PERMISSION ? EROFS
	       : error == ERROR_SPACE    ? ENOSPC
	       : error == ERROR_SHUTDOWN ? BROKEN
					 : EIO;
}

static int exchange(struct nbd *n, const struct request *r)
{
	unsigned char reply[16], *to = put(n->out, REQUEST_MAGIC, 4);
	const unsigned char *at = reply;
	uint64_t magic, error, cookie;

	to = put(to, r->command, 4); /* no flags */
	to = put(to, ++n->cookie, 8);
	to = put(to, r->offset, 8);
	to = put(to, r->length, 4);
	if (r->out) {
		memcpy(to, r->out, r->length);
		to += r->length;
	}
	if (send_all(n, to) || receive_all(n, reply, sizeof(reply)))
		return BROKEN;
	magic = take(&at, 4);
	error = take(&at, 4);
	cookie = take(&at, 8);
	if (magic != REPLY_MAGIC || cookie != n->cookie)
		return BROKEN;
	if (error)
		return errno_of(error);
	return r->in ? receive_all(n, r->in, r->length) : 0;
}

/* The request, or only the handshake; over as many connections as there is time for. */
static int do_request(struct nbd *n, const struct request *r)
{
	for (;;) {
		int error = n->connected ? 0 : connect_once(n);

		if (!error && r)
			error = exchange(n, r);
		if (error != BROKEN)
			return error;
		if (n->connected)
			hang_up(n);
		if (n->stream->now() >= n->limit) {
			n->down = true;
			return EIO;
		}
	}
}

int nbd_open(struct nbd *n)
{
	n->limit = n->stream->now() + (n->down ? 0 : n->patience);
	return do_request(n, NULL);
}

/* Of one of the two, the other is null. */
static int transfer(struct nbd *n, unsigned command, uint64_t offset, char *in, const char *out, size_t length)
{
	int error = nbd_open(n);

	for (size_t at = 0, part; at < length && !error; at += part) {
		struct request r = {.command = command,
			.offset = offset + at,
			.in = in ? in + at : NULL,
			.out = out ? out + at : NULL};

		part = length - at < n->request_max ? length - at : n->request_max;
		r.length = part;
		error = do_request(n, &r);
	}
	return error;
}

int nbd_read(struct nbd *n, uint64_t offset, void *data, size_t length)
{
	return transfer(n, COMMAND_READ, offset, data, NULL, length);
}

int nbd_write(struct nbd *n, uint64_t offset, const void *data, size_t length)
{
	return transfer(n, COMMAND_WRITE, offset, NULL, data, length);
}

int nbd_flush(struct nbd *n)
{
	int error = nbd_open(n);

	return error || !n->can_flush ? error : do_request(n, &(struct request){.command = COMMAND_FLUSH});
}
