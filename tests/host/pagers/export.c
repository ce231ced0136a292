/*
 * The NBD server's side (pagers/export) with the client's side (pagers/remote) and with clients that say anything: what
 * is written is read, what is flushed is flushed, ranges that are none reach nobody, and the server comes to the end of
 * each connection.
 */
#include "pagers/export/server.h"
#include "pagers/remote/wire.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SIZE = 300 * 4096 + 512, STEPS = 3000, ROUNDS = 30000 };

#define CHECK(good)                                                                                                    \
	do {                                                                                                           \
		if (!(good)) {                                                                                         \
			printf("FAIL %s:%d: not true: %s\n", __FILE__, __LINE__, #good);                               \
			exit(1);                                                                                       \
		}                                                                                                      \
	} while (0)

static uint64_t state = 7;

static unsigned pick(unsigned from)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(state >> 33) % from;
}

/* --- What is exported. */

static unsigned char disk[SIZE], kept[SIZE];
static int disk_error;

static int read_disk(uint64_t offset, void *data, size_t length)
{
	CHECK(offset <= SIZE && length <= SIZE - offset);
	memcpy(data, disk + offset, length);
	return disk_error;
}

static int write_disk(uint64_t offset, const void *data, size_t length)
{
	CHECK(offset <= SIZE && length <= SIZE - offset);
	if (!disk_error)
		memcpy(disk + offset, data, length);
	return disk_error;
}

static int flush_disk(void)
{
	memcpy(kept, disk, SIZE);
	return disk_error;
}

/* --- A stream through a pair of sockets; the server's is given each connection once. */

static int client_end = -1, server_end = -1;
static bool taken;

static int connect_any(unsigned timeout, bool *fresh)
{
	(void)timeout;
	*fresh = true;
	return 0;
}

static int send_by(int fd, const void *data, size_t length)
{
	for (size_t done = 0; done < length;) {
		ssize_t n = send(fd, (const char *)data + done, length - done, MSG_NOSIGNAL);

		if (n <= 0)
			return ENOTCONN;
		done += (size_t)n;
	}
	return 0;
}

static int receive_by(int fd, void *data, size_t most, size_t *got)
{
	ssize_t n = recv(fd, data, most, 0);

	*got = n > 0 ? (size_t)n : 0;
	return n > 0 ? 0 : ENOTCONN;
}

static int send_client(const void *data, size_t length, unsigned timeout)
{
	(void)timeout;
	return send_by(client_end, data, length);
}

static int receive_client(void *data, size_t most, unsigned timeout, size_t *got)
{
	(void)timeout;
	return receive_by(client_end, data, most, got);
}

static int connect_server(unsigned timeout, bool *fresh)
{
	(void)timeout;
	*fresh = true;
	if (taken)
		return ETIMEDOUT;
	taken = true;
	return 0;
}

static int send_server(const void *data, size_t length, unsigned timeout)
{
	(void)timeout;
	return send_by(server_end, data, length);
}

static int receive_server(void *data, size_t most, unsigned timeout, size_t *got)
{
	(void)timeout;
	return receive_by(server_end, data, most, got);
}

static uint64_t now(void)
{
	return 0;
}

static const struct nbd_stream client_stream = {connect_any, send_client, receive_client, now};
static const struct nbd_stream server_stream = {connect_server, send_server, receive_server, now};

static struct nbd_export served = {.size = SIZE, .read = read_disk, .write = write_disk, .flush = flush_disk};
static struct nbd client;

static void *serve(void *unused)
{
	nbd_serve(&served);
	close(server_end);
	return unused;
}

static pthread_t begin(bool read_only)
{
	pthread_t thread;
	int ends[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	client_end = ends[0];
	server_end = ends[1];
	taken = false;
	served.stream = &server_stream;
	served.read_only = read_only;
	client = (struct nbd){.stream = &client_stream, .patience = 1, .name = "any"};
	CHECK(pthread_create(&thread, NULL, serve, NULL) == 0);
	return thread;
}

static void end(pthread_t thread)
{
	close(client_end);
	pthread_join(thread, NULL);
}

static void both_sides(void)
{
	static unsigned char data[NBD_REQUEST_MAX * 2], model[SIZE];
	pthread_t thread = begin(false);

	CHECK(nbd_open(&client) == 0 && client.size == SIZE && !client.read_only);
	for (unsigned i = 0; i < STEPS; i++) {
		size_t length = 1 + pick(pick(4) ? 8192 : sizeof(data));
		uint64_t offset = pick((unsigned)(SIZE - length + 1));

		switch (pick(5)) {
		case 0:
			CHECK(nbd_flush(&client) == 0 && memcmp(kept, model, SIZE) == 0);
			break;
		case 1:
		case 2:
			for (size_t at = 0; at < length; at++)
				data[at] = (unsigned char)pick(256);
			memcpy(model + offset, data, length);
			CHECK(nbd_write(&client, offset, data, length) == 0);
			break;
		case 3:
			/* It is the answer to this request, and not the connection's end. */
			disk_error = pick(2) ? ENOSPC : ENXIO;
			CHECK(nbd_write(&client, offset, data, 1) == (disk_error == ENOSPC ? ENOSPC : EIO));
			CHECK(nbd_read(&client, offset, data, 1) == (disk_error == ENOSPC ? ENOSPC : EIO));
			disk_error = 0;
			break;
		default:
			CHECK(nbd_read(&client, offset, data, length) == 0);
			CHECK(memcmp(data, model + offset, length) == 0);
		}
	}
	CHECK(nbd_read(&client, SIZE - 1, data, 2) == EIO && nbd_write(&client, SIZE, data, 1) == EIO);
	CHECK(nbd_read(&client, 0, data, 4) == 0);
	end(thread);
	thread = begin(true);
	CHECK(nbd_open(&client) == 0 && client.read_only && nbd_write(&client, 0, data, 1) == EROFS);
	CHECK(nbd_read(&client, 0, data, 100) == 0 && memcmp(data, model, 100) == 0);
	end(thread);
	printf("PASS what a client writes it reads, what it flushes is flushed, and errors are of the request\n");
}

/* --- Clients that say anything. */

static unsigned char words[8192];
static size_t words_at, words_length, flood; /* flood: so many zeros behind the words */
static unsigned answers;

static int send_nowhere(const void *data, size_t length, unsigned timeout)
{
	(void)data, (void)timeout;
	answers += length > 16;
	return 0;
}

static int receive_words(void *data, size_t most, unsigned timeout, size_t *got)
{
	size_t left = words_length - words_at;

	(void)timeout;
	if (left == 0 && flood) {
		*got = flood < most ? flood : most;
		memset(data, 0, *got);
		flood -= *got;
		return 0;
	}
	*got = left ? 1 + pick((unsigned)(left < most ? left : most)) : 0;
	memcpy(data, words + words_at, *got);
	words_at += *got;
	return *got ? 0 : ENOTCONN;
}

static const struct nbd_stream words_stream = {connect_server, send_nowhere, receive_words, now};

/* Nearly right, with any lengths and offsets, cut off anywhere, bytes spoiled here and there. */
static void say_anything(void)
{
	unsigned char *to = put(words, pick(20) ? pick(4) : pick(1 << 30), 4);

	for (unsigned n = pick(4); n-- > 0;) {
		to = put(put(to, OPTION_MAGIC, 8), pick(9), 4);
		to = put(to, pick(4) ? 0 : pick(5000), 4);
	}
	to = put(put(put(to, OPTION_MAGIC, 8), OPTION_GO, 4), 6, 4);
	to = put(to, pick(5) ? 0 : pick(1 << 30) * 4ull, 4);
	to = put(to, 0, 2);
	for (unsigned n = pick(20); n-- > 0;) {
		to = put(put(put(to, REQUEST_MAGIC, 4), pick(2), 2), pick(5), 2);
		to = put(to, pick(1 << 30), 8);
		to = put(to, pick(3) ? pick(SIZE) : UINT64_MAX - pick(10000), 8);
		to = put(to, pick(3) ? pick(200) : pick(1 << 30) * 4ull, 4);
		to += pick(2) ? pick(100) : 0;
	}
	words_length = (size_t)(to - words) - pick(20);
	for (unsigned n = pick(3) ? 0 : pick(4); n-- > 0;)
		words[pick((unsigned)words_length)] = (unsigned char)pick(256);
	words_at = 0;
	flood = pick(20) ? 0 : 2 * SERVER_TRANSFER_MAX;
	taken = false;
}

static void any_client(void)
{
	served.stream = &words_stream;
	served.read_only = false;
	for (unsigned i = 0; i < ROUNDS; i++) {
		say_anything();
		nbd_serve(&served);
	}
	CHECK(answers > ROUNDS / 8);
	printf("PASS a client that says anything has what it may have, and an end\n");
}

int main(void)
{
	both_sides();
	any_client();
	return 0;
}
