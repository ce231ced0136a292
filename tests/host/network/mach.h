/* In the place of the kernel, of bootstrap, of the driver and of the network server's client. */
#ifndef TESTS_HOST_NETWORK_MACH_H
#define TESTS_HOST_NETWORK_MACH_H

#include <mach/mach.h>
#include <servers/network_types.h>
#include <stdbool.h>
#include <stdint.h>

/* Ports are numbers; each has a payload, and says whether it lives. */
enum { PORTS = 1 << 16 };
extern uint64_t payload_of[PORTS];
extern bool alive[PORTS];
extern unsigned ports_alive;
mach_port_t port_new(void);

/* The client's queue takes nothing. */
extern bool client_full;
/* What the client was told. */
struct news {
	unsigned done, arrived, arrived6, data, datagrams, room, finished, failed, interfaces;
	uint64_t bytes;
};
extern struct news news;
/* Connections that arrived and were not taken. */
extern mach_port_t arrived[64];
extern unsigned arrived_count;
/* The last frame that went out, of those to a TCP port of the other side: what its answer needs. */
struct last {
	bool some, is_v6;
	uint8_t to_ip[16]; /* of IPv6 */
	uint16_t from, to; /* ports: ours, theirs */
	uint32_t sequence, acknowledged;
};
extern struct last last;
extern unsigned frames_out;

uint32_t random_number(void);
void random_seed(uint64_t seed);

#endif
