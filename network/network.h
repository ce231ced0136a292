/* What the files of the network server share. One thread runs all of it: the loop in main.c. */
#ifndef NETWORK_NETWORK_H
#define NETWORK_NETWORK_H

#include <lwip/err.h>
#include <lwip/ip_addr.h>
#include <mach/mach.h>
#include <servers/network_types.h>
#include <stdbool.h>
#include <stdint.h>

struct pbuf;
struct ip_pcb;
struct tcp_pcb;
struct udp_pcb;
struct raw_pcb;

/*
 * A socket: a port, a protocol control block of lwIP's, and what its client has not been told yet. What is to be told
 * is state, not messages: it goes out when the client's queue has room (client.c). States:
 *
 *   open      has a port. A connection that has not been adopted has no id, and nothing of it is told.
 *   leaving   no send right was left; it stays until all that was to be sent is with TCP, then it is freed.
 */
struct socket {
	struct socket *next, **link; /* of all */
	struct socket *telling_next; /* of those that have something to tell; by `telling` */
	bool telling;

	unsigned kind;    /* NETWORK_TCP... */
	uint8_t type;     /* IPADDR_TYPE_V4; of AF_INET6: _ANY, or _V6 if it is to have nothing to do with IPv4 */
	mach_port_t port; /* receive right; null: leaving */
	uint64_t id;      /* 0: not adopted */
	union {           /* null: it is gone, or has failed */
		struct tcp_pcb *tcp;
		struct udp_pcb *udp;
		struct raw_pcb *raw;
	};
	uint16_t ping; /* identifier of NETWORK_PING, as on the wire */
	bool listening, connecting, connected, abort;
	bool chosen; /* a datagram's own address is the way's to its peer, and goes with that */

	/* A stream's: */
	struct piece *in, **in_end; /* bytes for the client, first to last */
	struct pbuf *out;           /* bytes that TCP has not taken yet */
	bool shut_out;              /* after them, no more: */
	bool sent_end;              /* which TCP has been told, */
	bool got_end;               /* and the other side has said */
	/* A listener's: connections to be told of, first to last, and how many of those told of are not adopted. */
	struct socket *arrived, **arrived_end, *arrived_next;
	/* The others': datagrams for the client, first to last. */
	struct datagram *datagrams, **datagrams_end;
	unsigned datagram_bytes;

	/* To be told: */
	bool done, finished, failed;
	unsigned done_error, failed_error;
	unsigned room, messages;
};

struct piece {
	struct piece *next;
	struct pbuf *data; /* what has been told is cut off */
};

struct datagram {
	struct datagram *next;
	network_address_t address;
	struct pbuf *data;
};

/* --- socket.c */
/* Null: no memory. The right is the socket's. */
struct socket *socket_create(unsigned kind, mach_port_t port);
/* Its pcb must be gone, or closed. */
void socket_free(struct socket *socket);
/* All of a client's that is no more. */
void sockets_end(void);
struct socket *sockets_first(void);
network_address_t address_of(const ip_addr_t *ip, uint16_t port);
/* False: of no family that the socket is of. */
bool address_in(const struct socket *socket, const network_address_t *address, ip_addr_t *ip, uint16_t *port);
/* Whether the two, as names of sockets, are of one another's connections, too. */
bool addresses_overlap(const ip_addr_t *one, const ip_addr_t *other);
/*
 * Where a packet to there goes: to nobody in particular is to oneself. from: the sender's name, or if that is any the
 * address that it goes out with. 0, ENETUNREACH.
 */
unsigned address_way(const ip_addr_t *local, const ip_addr_t *ip, ip_addr_t *to, ip_addr_t *from);
/* What pcbs of all kinds begin with; null: there is none. */
struct ip_pcb *socket_ip(const struct socket *socket);
unsigned errno_of(err_t error);

/* --- stream.c: TCP. */
bool stream_start(struct socket *socket);
unsigned stream_bind(struct socket *socket, const ip_addr_t *ip, uint16_t port);
/* 0: under way. */
unsigned stream_connect(struct socket *socket, const ip_addr_t *ip, uint16_t port);
unsigned stream_listen(struct socket *socket, unsigned backlog);
void stream_adopted(struct socket *socket);
void stream_send(struct socket *socket, const void *data, unsigned size);
void stream_taken(struct socket *socket, unsigned bytes);
void stream_shut(struct socket *socket);
void stream_option(struct socket *socket, unsigned option, unsigned value);
/* As by close(2). The socket is freed, now or later. */
void stream_close(struct socket *socket);
/* Whether a packet to there, between these ports, was one that it is connecting by; */
bool stream_is_lost(const struct socket *socket, const ip_addr_t *to, uint16_t from_port, uint16_t to_port);
/* then it connects no more. */
void stream_refuse(struct socket *socket, unsigned error);
network_address_t stream_local(const struct socket *socket), stream_remote(const struct socket *socket);

/* --- datagram.c: UDP, ping, raw. */
bool datagram_start(struct socket *socket, unsigned protocol);
unsigned datagram_bind(struct socket *socket, const ip_addr_t *ip, uint16_t port);
/* ip null: no peer. */
unsigned datagram_connect(struct socket *socket, const ip_addr_t *ip, uint16_t port);
/* ip null: to the peer. */
unsigned datagram_send(struct socket *socket, const ip_addr_t *ip, uint16_t port, const void *data, unsigned size);
void datagram_option(struct socket *socket, unsigned option, unsigned value);
void datagram_close(struct socket *socket);
network_address_t datagram_local(const struct socket *socket);

/* --- errors.c */
/* Hears of packets that found nobody. */
void errors_start(void);

/* --- client.c */
/* The socket has something to tell. */
void tell(struct socket *socket);
/* It has not any more: it is freed. */
void tell_forget(struct socket *socket);
/* The interfaces have changed, or somebody asked. */
void tell_interfaces(void);
void client_set(mach_port_t client);
/* Tells as much as there is room for. Whether there is more. */
bool client_tell(void);

/* --- card.c */
/* Attaches to the driver, if there is a card, and asks for an address. */
void card_start(mach_port_t bootstrap, mach_port_t set);
/* Sends what has gathered. */
void card_flush(void);
/* Whether the request being served came by the port for frames. */
bool card_is_request(void);
/* How many of list were filled. */
unsigned interfaces_list(struct network_interface *list, unsigned most, network_settings_t *settings);

/* --- main.c */
extern mach_port_t port_set;
/* Payload of the service's port. */
extern char service_object;

#endif
