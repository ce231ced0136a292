/* The network server, as the sockets of AF_INET have it: requests out, news in, as messages; nobody waits for it but
 * calls. */
#ifndef PERSONALITY_NETWORK_H
#define PERSONALITY_NETWORK_H

#include <mach/mach_types.h>
#include <servers/network_types.h>
#include <stdbool.h>
#include <stdint.h>

struct call;
struct inet;

/*
 * States: not asked for yet; being started, by a thread of its own, for a look-up waits; there; gone, for good. When
 * the server dies its next instance is there as soon as it is attached to: sockets that have a connection are reset,
 * those that have a name only are made again (inet_again).
 */

/* 0: it is there. CALL_RESTART: the call waits until it is, or is not. -EAFNOSUPPORT: there is none. */
int64_t network_need(struct call *call);
/* The same, for what goes to that address: but to the loopback, nothing is sent before it is known what address the
 * card has. */
int64_t network_need_way(struct call *call, const network_address_t *to);
/* A socket's port with the server: a send right, and the id by which news of it come. MACH_PORT_NULL: not to be had. */
mach_port_t network_socket_open(struct inet *inet, uint64_t *id);
void network_socket_close(mach_port_t port);
uint64_t network_new_id(void);

/*
 * What the server said last of its interfaces: a copy; how many. Waits on the caller's fiber for a fresh one, for some
 * seconds at most; settled: until it has an address or expects none. Starts the server if it is not there.
 */
unsigned network_look(struct network_interface *list, unsigned most, network_settings_t *settings, bool settled);

#endif
