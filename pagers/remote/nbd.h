/*
 * The client's side of the NBD protocol (its text: doc/proto.md of the NBD project): fixed newstyle handshake,
 * NBD_OPT_GO, simple replies. It knows no ports: the stream and the time are its user's.
 */
#ifndef REMOTE_NBD_H
#define REMOTE_NBD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NBD_NAME_MAX    256
#define NBD_REQUEST_MAX 65536u /* of a read or write, in bytes */
#define NBD_HEADER_MAX  (32u + NBD_NAME_MAX)

/*
 * A stream of which there may be another one after it. Times are milliseconds. Errors: ETIMEDOUT; ENOTCONN: the
 * connection is over.
 */
struct nbd_stream {
	/* The next connection; *fresh: nobody has read from it. */
	int (*connect)(unsigned timeout, bool *fresh);
	int (*send)(const void *data, size_t length, unsigned timeout);
	/* What there is, at most so much; waits for the first byte. */
	int (*receive)(void *data, size_t most, unsigned timeout, size_t *got);
	uint64_t (*now)(void);
};

struct nbd {
	const struct nbd_stream *stream;
	unsigned patience;           /* for one of the functions below, over however many connections; ms */
	char name[NBD_NAME_MAX + 1]; /* of the export */
	uint64_t cookie;             /* of the last request: not one that could be on its way from before */

	/* Known after nbd_open; they do not change. */
	uint64_t size; /* in bytes */
	bool read_only;

	unsigned connections; /* that there were: what was not flushed over the same one may be lost */

	/* nbd.c's */
	bool connected, can_flush, down;
	size_t request_max;
	uint64_t limit; /* of what is under way */
	size_t in_at, in_length;
	unsigned char in[4096], out[NBD_HEADER_MAX + NBD_REQUEST_MAX];
};

/*
 * Each tries again over other connections until the patience is at its end: EIO then, and at once from then on until
 * there is a connection, which has eight seconds. A server's error is an errno: EROFS, ENOSPC, or EIO; of nbd_open also
 * ENOENT (there is no such export) and EPROTO (the server has no terms that are possible here). A range is inside the
 * export.
 */
int nbd_open(struct nbd *n);
int nbd_read(struct nbd *n, uint64_t offset, void *data, size_t length);
int nbd_write(struct nbd *n, uint64_t offset, const void *data, size_t length);
/* What was written over this connection is on the server's medium. */
int nbd_flush(struct nbd *n);

#endif
