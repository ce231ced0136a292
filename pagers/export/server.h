/* The server's side of NBD, of one export that takes one client at a time. It knows no ports: see pagers/remote/nbd.h.
 */
#ifndef EXPORT_SERVER_H
#define EXPORT_SERVER_H

#include "pagers/remote/nbd.h"

#define SERVER_TRANSFER_MAX (1u << 20) /* of one request, in bytes */

struct nbd_export {
	const struct nbd_stream *stream;
	uint64_t size;
	bool read_only;
	/* 0 or an errno; ranges are inside the size. */
	int (*read)(uint64_t offset, void *data, size_t length);
	int (*write)(uint64_t offset, const void *data, size_t length);
	int (*flush)(void);

	/* server.c's */
	bool no_zeroes;
	unsigned char out[16 + SERVER_TRANSFER_MAX], in[SERVER_TRANSFER_MAX];
};

/* Serves the next connection until it is over, or says what is no NBD. Returns when there was none for half a minute,
 * too. */
void nbd_serve(struct nbd_export *e);

#endif
