/* What both sides of NBD know (doc/proto.md of the NBD project). All numbers are sent with the highest byte first. */
#ifndef REMOTE_WIRE_H
#define REMOTE_WIRE_H

#include <stdint.h>

#define GREETING           0x4e42444d41474943ull
#define OPTION_MAGIC       0x49484156454f5054ull
#define OPTION_REPLY_MAGIC 0x0003e889045565a9ull
#define REQUEST_MAGIC      0x25609513u
#define REPLY_MAGIC        0x67446698u
#define REPLY_ERROR        0x80000000u
#define REPLY_UNSUPPORTED  0x80000001u
#define REPLY_INVALID      0x80000003u
#define REPLY_UNKNOWN      0x80000006u

enum {
	/* Handshake flags, the server's and the client's. */
	FIXED_NEWSTYLE = 1,
	NO_ZEROES = 2,

	OPTION_EXPORT_NAME = 1,
	OPTION_ABORT = 2,
	OPTION_LIST = 3,
	OPTION_INFO = 6,
	OPTION_GO = 7,
	REPLY_ACK = 1,
	REPLY_SERVER = 2,
	REPLY_INFO = 3,
	INFO_EXPORT = 0,
	INFO_BLOCK_SIZE = 3,

	/* Transmission flags. */
	HAS_FLAGS = 1,
	READ_ONLY = 2,
	SEND_FLUSH = 4,
	SEND_FUA = 8,

	COMMAND_READ = 0,
	COMMAND_WRITE = 1,
	COMMAND_DISCONNECT = 2,
	COMMAND_FLUSH = 3,
	COMMAND_FUA = 1, /* a flag of a command */
	REQUEST_SIZE = 28,

	/* A server's errors, which are Linux's. */
	ERROR_PERMISSION = 1,
	ERROR_IO = 5,
	ERROR_INVALID = 22,
	ERROR_SPACE = 28,
	ERROR_SHUTDOWN = 108,
};

static inline unsigned char *put(unsigned char *to, uint64_t value, unsigned bytes)
{
	for (unsigned i = bytes; i-- > 0; value >>= 8)
		to[i] = (unsigned char)value;
	return to + bytes;
}

static inline uint64_t take(const unsigned char **from, unsigned bytes)
{
	uint64_t value = 0;

	while (bytes-- > 0)
		value = value << 8 | *(*from)++;
	return value;
}

#endif
