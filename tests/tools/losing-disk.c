/*
 * losing-disk IMAGE SOCKET LOG [MARKS [FAULT...]]: a disk for QEMU, by the NBD protocol over a Unix socket, which notes
 * every write and every flush in LOG (losing_disk.h), in the order in which they were answered. From that the disk can
 * be made as a power cut at any moment may have left it: a write that no flush has followed may be lost. Lines that
 * come through the FIFO called MARKS are noted where they come. Serves one client and ends with it.
 *
 * FAULT: read:N, write:N or flush:N, the Nth request of the kind fails; with a + behind it all from then on; or
 * write@OFFSET, all that touch the byte.
 *
 * The protocol: github.com/NetworkBlockDevice/nbd, doc/proto.md; fixed newstyle, simple replies.
 */
#define _GNU_SOURCE
#include "tests/tools/losing_disk.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define GREETING        0x4e42444d41474943ull /* "NBDMAGIC" */
#define OPTION_MAGIC    0x49484156454f5054ull /* "IHAVEOPT" */
#define OPTION_REPLY    0x0003e889045565a9ull
#define REQUEST_MAGIC   0x25609513u
#define REPLY_MAGIC     0x67446698u
#define ERR_UNSUPPORTED 0x80000001u

enum { FIXED_NEWSTYLE = 1, OPT_EXPORT_NAME = 1, OPT_ABORT = 2, OPT_INFO = 6, OPT_GO = 7, REP_ACK = 1, REP_INFO = 3 };
enum { HAS_FLAGS = 1, SEND_FLUSH = 4, SEND_FUA = 8 };
enum { CMD_READ, CMD_WRITE, CMD_DISCONNECT, CMD_FLUSH, CMD_KINDS, FLAG_FUA = 1 };
enum { FAULTS_MAX = 8, TRANSFER_MAX = 32 << 20 };

struct fault {
	unsigned kind;
	bool on, by_place;
	uint64_t at; /* the request's number from 1, or the byte's offset */
};

static int image, client, log_file, marks = -1;
static uint64_t size;
static struct fault faults[FAULTS_MAX];
static unsigned fault_count;
static uint64_t seen[CMD_KINDS];

static void give_up(const char *what)
{
	fprintf(stderr, "losing-disk: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* False at the end of the client. */
static bool receive(void *to, size_t length)
{
	for (char *at = to; length;) {
		ssize_t n = read(client, at, length);

		if (n <= 0)
			return false;
		at += n;
		length -= (size_t)n;
	}
	return true;
}

static void put(int file, const void *from, size_t length)
{
	for (const char *at = from; length;) {
		ssize_t n = write(file, at, length);

		if (n <= 0)
			give_up("write");
		at += n;
		length -= (size_t)n;
	}
}

static void note(uint32_t kind, uint64_t offset, const void *data, uint32_t length)
{
	struct losing_record record = {kind, length, offset};

	put(log_file, &record, sizeof(record));
	put(log_file, data, length);
}

static void note_marks(void)
{
	char said[4096];
	ssize_t n;

	while (marks >= 0 && (n = read(marks, said, sizeof(said))) > 0)
		note(LOSING_MARK, 0, said, (uint32_t)n);
}

/* --- The handshake. */

struct __attribute__((packed)) option_reply {
	uint64_t magic;
	uint32_t option, type, length;
};

struct __attribute__((packed)) export_info {
	uint16_t type; /* 0: NBD_INFO_EXPORT */
	uint64_t size;
	uint16_t flags;
};

static void answer_option(uint32_t option, uint32_t type, const void *data, uint32_t length)
{
	struct option_reply reply = {htobe64(OPTION_REPLY), htobe32(option), htobe32(type), htobe32(length)};

	put(client, &reply, sizeof(reply));
	put(client, data, length);
}

static bool shake_hands(void)
{
	struct __attribute__((packed)) {
		uint64_t greeting, magic;
		uint16_t flags;
	} hello = {htobe64(GREETING), htobe64(OPTION_MAGIC), htobe16(FIXED_NEWSTYLE)};
	struct __attribute__((packed)) {
		uint64_t magic;
		uint32_t option, length;
	} ask;
	const uint16_t flags = HAS_FLAGS | SEND_FLUSH | SEND_FUA;
	struct export_info info = {0, htobe64(size), htobe16(flags)};
	char zeros[124] = {0}, data[4096];
	uint32_t client_flags;

	put(client, &hello, sizeof(hello));
	if (!receive(&client_flags, sizeof(client_flags)))
		return false;
	while (receive(&ask, sizeof(ask)) && be32toh(ask.length) <= sizeof(data) && receive(data, be32toh(ask.length))) {
		uint32_t option = be32toh(ask.option);

		switch (option) {
		case OPT_EXPORT_NAME:
			put(client, &info.size, sizeof(info) - sizeof(info.type));
			if (!(be32toh(client_flags) & 2)) /* NO_ZEROES */
				put(client, zeros, sizeof(zeros));
			return true;
		case OPT_INFO:
		case OPT_GO:
			answer_option(option, REP_INFO, &info, sizeof(info));
			answer_option(option, REP_ACK, NULL, 0);
			if (option == OPT_GO)
				return true;
			break;
		case OPT_ABORT:
			return false;
		default:
			answer_option(option, ERR_UNSUPPORTED, NULL, 0);
		}
	}
	return false;
}

/* --- Requests. */

static bool fails(unsigned kind, uint64_t offset, uint64_t length)
{
	seen[kind]++;
	for (unsigned i = 0; i < fault_count; i++) {
		const struct fault *f = &faults[i];

		if (f->kind != kind)
			continue;
		if (f->by_place ? f->at >= offset && f->at < offset + length
				: f->on ? seen[kind] >= f->at : seen[kind] == f->at)
			return true;
	}
	return false;
}

static int do_request(unsigned kind, unsigned flags, uint64_t offset, uint32_t length, char *data)
{
	if (kind == CMD_FLUSH) {
		if (fails(kind, 0, 0))
			return EIO;
		note(LOSING_FLUSH, 0, NULL, 0);
		return 0;
	}
	if (kind != CMD_READ && kind != CMD_WRITE)
		return EINVAL;
	if (offset > size || length > size - offset)
		return EINVAL;
	if (fails(kind, offset, length))
		return EIO;
	if (kind == CMD_READ)
		return pread(image, data, length, (off_t)offset) == (ssize_t)length ? 0 : EIO;
	if (pwrite(image, data, length, (off_t)offset) != (ssize_t)length)
		return EIO;
	note(LOSING_WRITE, offset, data, length);
	if (flags & FLAG_FUA) /* of all that came before: more than was asked for; no guest of ours asks */
		note(LOSING_FLUSH, 0, NULL, 0);
	return 0;
}

static void serve(void)
{
	struct __attribute__((packed)) {
		uint32_t magic;
		uint16_t flags, kind;
		uint64_t handle, offset;
		uint32_t length;
	} request;
	struct __attribute__((packed)) {
		uint32_t magic, error;
		uint64_t handle;
	} reply = {.magic = htobe32(REPLY_MAGIC)};
	char *data = malloc(TRANSFER_MAX);

	for (;;) {
		struct pollfd wait[2] = {{client, POLLIN, 0}, {marks, POLLIN, 0}};
		uint32_t length;
		unsigned kind;

		if (poll(wait, 2, -1) < 0 && errno != EINTR)
			give_up("poll");
		note_marks();
		if (wait[1].revents & (POLLHUP | POLLERR) && !(wait[1].revents & POLLIN))
			marks = -1; /* who spoke has ended */
		if (!wait[0].revents)
			continue;
		if (!receive(&request, sizeof(request)) || be32toh(request.magic) != REQUEST_MAGIC)
			return;
		kind = be16toh(request.kind);
		length = be32toh(request.length);
		if (kind == CMD_DISCONNECT || length > TRANSFER_MAX || (kind == CMD_WRITE && !receive(data, length)))
			return;
		reply.error = htobe32(
			(uint32_t)do_request(kind, be16toh(request.flags), be64toh(request.offset), length, data));
		reply.handle = request.handle;
		put(client, &reply, sizeof(reply));
		if (kind == CMD_READ && !reply.error)
			put(client, data, length);
	}
}

/* --- Start. */

static void add_fault(const char *text)
{
	static const char *const names[CMD_KINDS] = {[CMD_READ] = "read", [CMD_WRITE] = "write", [CMD_FLUSH] = "flush"};

	for (unsigned kind = 0; kind < CMD_KINDS && fault_count < FAULTS_MAX; kind++) {
		size_t n = names[kind] ? strlen(names[kind]) : 0;

		if (n && strncmp(text, names[kind], n) == 0 && (text[n] == ':' || text[n] == '@')) {
			struct fault *f = &faults[fault_count++];
			char *end;

			*f = (struct fault){.kind = kind, .by_place = text[n] == '@'};
			f->at = strtoull(text + n + 1, &end, 10);
			f->on = *end == '+';
			return;
		}
	}
	fprintf(stderr, "losing-disk: no fault: %s\n", text);
	exit(2);
}

int main(int argc, char **argv)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);

	if (argc < 4) {
		fprintf(stderr, "usage: losing-disk IMAGE SOCKET LOG [MARKS [FAULT...]]\n");
		return 2;
	}
	image = open(argv[1], O_RDWR);
	log_file = open(argv[3], O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (argc > 4 && argv[4][0])
		marks = open(argv[4], O_RDONLY | O_NONBLOCK);
	if (image < 0 || log_file < 0 || (argc > 4 && argv[4][0] && marks < 0))
		give_up("open");
	for (int i = 5; i < argc; i++)
		add_fault(argv[i]);
	size = (uint64_t)lseek(image, 0, SEEK_END);
	snprintf(name.sun_path, sizeof(name.sun_path), "%s", argv[2]);
	unlink(name.sun_path);
	if (listener < 0 || bind(listener, (struct sockaddr *)&name, sizeof(name)) || listen(listener, 1) ||
		(client = accept(listener, NULL, NULL)) < 0)
		give_up(argv[2]);
	if (shake_hands())
		serve();
	note_marks();
	/* For who injects faults: how many there were of each kind. */
	printf("read %llu write %llu flush %llu\n", (unsigned long long)seen[CMD_READ],
		(unsigned long long)seen[CMD_WRITE], (unsigned long long)seen[CMD_FLUSH]);
	return 0;
}
