/* Types of the network's interface. */
#ifndef SERVERS_NETWORK_TYPES_H
#define SERVERS_NETWORK_TYPES_H

#include <stdint.h>

#define NETWORK_DATA_SIZE     32768 /* bytes of one message of a stream, at most */
#define NETWORK_DATAGRAM_SIZE 65536 /* and of one with a datagram */

/* What a socket has for bytes: of a stream on their way out, and in. */
#define NETWORK_STREAM_SIZE 131072u
/* Messages with data that a client may have sent and not heard of, of one socket. */
#define NETWORK_MESSAGES 16u
/* What may wait at a socket's port: these, and as many requests. */
#define NETWORK_QUEUE 64u
/* What may wait at the client's. */
#define NETWORK_CLIENT_QUEUE 512u

/* Kinds of sockets. */
enum { NETWORK_TCP = 1, NETWORK_UDP, NETWORK_PING, NETWORK_RAW };

/*
 * Of IPv4 the first four bytes of ip count. Numbers as on the wire. family: Linux's AF_INET or AF_INET6; 0: none. An
 * IPv4 address is always one of AF_INET, also of a socket of AF_INET6; :: is any address, of both if the socket may. scope:
 * the interface's index, of an address that is good on one link only.
 */
typedef struct network_address {
	uint16_t family;
	uint16_t port;
	uint32_t scope;
	uint8_t ip[16];
} network_address_t;

/* Options, each with a number. */
enum {
	NETWORK_REUSE_ADDRESS = 1,
	NETWORK_KEEP_ALIVE,
	NETWORK_KEEP_IDLE, /* seconds */
	NETWORK_KEEP_INTERVAL,
	NETWORK_KEEP_COUNT,
	NETWORK_NO_DELAY,
	NETWORK_BROADCAST,
	NETWORK_TTL,
	NETWORK_TOS,
	NETWORK_ABORT,     /* when it ends, a reset is sent and nothing else */
	NETWORK_ONLY_IPV6, /* before it has a name */
	NETWORK_OPTIONS,
};

enum { NETWORK_SHUT_IN = 1, NETWORK_SHUT_OUT = 2 };

/* Interfaces. Of the loopback address_size is 0. */
enum { NETWORK_UP = 1, NETWORK_RUNNING = 2, NETWORK_LOOPBACK = 4, NETWORK_CAN_BROADCAST = 8 };
/* Of an address of IPv6. */
enum { NETWORK_PERMANENT = 1, NETWORK_TENTATIVE = 2, NETWORK_DEPRECATED = 4 };
struct network_address6 {
	uint8_t ip[16]; /* zero: none */
	uint8_t prefix, flags, reserved[2];
	uint32_t valid, preferred; /* seconds, of one that is not permanent */
};
#define NETWORK_ADDRESSES6 4
struct network_interface {
	char name[16];
	uint32_t index, flags, mtu;
	uint8_t hardware[8];                     /* six of an Ethernet card */
	uint8_t address[4], mask[4], gateway[4]; /* zero: none */
	struct network_address6 address6[NETWORK_ADDRESSES6];
	uint8_t gateway6[16]; /* zero: none */
	uint64_t bytes_in, packets_in, dropped_in, bytes_out, packets_out, errors_out;
};
#define NETWORK_INTERFACES_SIZE 1024

typedef struct network_settings {
	uint8_t name_server[2][4]; /* zero: none */
	uint32_t settled;          /* whether an address of IPv4 has been found, or none is to be expected */
	uint32_t settled6;         /* of IPv6, but one of the link alone */
} network_settings_t;

#endif
