/* Sockets of AF_INET and AF_INET6: what they are here, and what the files of their calls share. */
#ifndef PERSONALITY_INET_H
#define PERSONALITY_INET_H

#include <netinet/in.h>
#include <servers/network_types.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/list.h"
#include "base/table.h"
#include "call/call.h"

struct file;
struct io;
struct msghdr;

/*
 * What has come waits here, and what goes out goes at once, within what the other side has room for: so reads, writes
 * and polls ask nobody. bind, connect and listen are asked of the network server, and the call waits for what it says.
 * States:
 *
 *   NEW         nobody's peer; may have a name
 *   LISTENING   connections wait in `arrivals`
 *   CONNECTING  asked for
 *   CONNECTED   has a peer (datagrams: too)
 *   OVER        had one, or did not get it: may connect again
 */
enum inet_state { INET_NEW, INET_LISTENING, INET_CONNECTING, INET_CONNECTED, INET_OVER };

/* Options that are taken and change nothing: inetoptions.c. */
enum inet_hint {
	HINT_RECEIVE_ERRORS,
	HINT_RECEIVE_ERRORS6,
	HINT_MTU_DISCOVER,
	HINT_MTU_DISCOVER6,
	HINT_NO_PORT,
	HINT_CORK,
	HINT_QUICK_ACK,
	HINT_PRIORITY,
	INET_HINTS
};

/* What has come, of a stream, too. */
struct inet_message {
	struct list link;
	uint64_t size, taken;
	network_address_t from;
	char data[];
};

/* A connection that nobody has accepted. What it may have sent by then is in the network server: the listener's user
 * pays. */
struct inet_arrival {
	struct list link;
	uint32_t port; /* send right */
	network_address_t remote, local;
};

struct inet {
	struct table_link by_id;
	struct list all;
	int family, type, protocol; /* AF_INET or AF_INET6, SOCK_*, IPPROTO_* */
	unsigned kind;              /* NETWORK_* */
	enum inet_state state;
	struct file *file; /* borrowed; null until it has one */
	uint32_t port;     /* send right; null: the server does not know it (yet, or any more) */
	uint64_t id;
	network_address_t local, remote; /* family 0: none */
	bool bound;                      /* local is its own for good: not only of a connection */

	/* A request that is answered: one at a time. */
	uint64_t asked, answered; /* numbers: of the last asked, and of the last answered */
	int outcome;              /* of that: 0 or -errno */
	unsigned ignored;         /* answers that nobody waits for: of one that was made again */

	bool unsaid;            /* connected, and no connect has said so */
	bool finished;          /* the other side sends no more */
	bool in_shut, out_shut; /* by shutdown */
	int error;              /* for the next call, or 0 */

	struct list messages;
	uint64_t queued, cost; /* bytes of them; with what they take besides */
	unsigned untold;       /* bytes read that the server has not heard of */
	uint64_t sending;      /* bytes that have not reached the other side; the user pays for them */
	unsigned flying;       /* messages with data that the server has not taken */
	struct list arrivals;
	unsigned arrival_count, backlog;

	/* Options. */
	int option[NETWORK_OPTIONS];            /* by NETWORK_*: as set, for who asks, and for one that is made again */
	uint32_t option_set;                    /* bits */
	uint64_t receive_timeout, send_timeout; /* ns; 0: none */
	unsigned receive_size, send_size;
	struct linger linger;
	int hint[INET_HINTS];    /* what changes nothing here: inetoptions.c */
	uint32_t icmp_filter[8]; /* ICMP6_FILTER: bits of types that a raw socket does not get */

	struct wait_queue queue;   /* polls; calls that wait for answers and connections */
	struct wait_queue arrival; /* calls that wait for data, */
	struct wait_queue room;    /* and for room */
};

extern struct list inets; /* by all */

#define INET_SEND_SIZE NETWORK_STREAM_SIZE

/* --- inet.c */
/* The socket of a file; null: it is none of these. */
struct inet *inet_of(const struct file *file);
/* family: AF_INET, AF_INET6; kind: SOCK_* with flags. A descriptor or -errno. */
int64_t inet_socket(struct call *call, int family, unsigned kind, int protocol);
/* Null: no memory. */
struct inet *inet_create(int family, int type, int protocol, unsigned kind);
int64_t inet_install(struct call *call, struct inet *inet, unsigned flags);
struct inet *inet_of_id(uint64_t id);
/* The server knows it now, with its options; it may have to be told more. 0 or -errno. */
int inet_open(struct inet *inet);
/* The port of a connection that has arrived is the socket's from now on; if that is dead by now, it is over. */
void inet_adopt(struct inet *inet, uint32_t port);
void inet_drop_arrivals(struct inet *inet);
/* The server's side of it is gone. */
void inet_close(struct inet *inet);
/* No more comes, nor goes: over with this error (0: none). */
void inet_over(struct inet *inet, int error);
/* The server has died, and the next is there: what can be made again is. */
void inet_again(struct inet *inet);
/* Takes the error: -errno or 0. */
int inet_take_error(struct inet *inet);
/* All look again. */
void inet_changed(struct inet *inet, unsigned events);
/* So many bytes less are on their way: they are the user's no more. */
void inet_sent(struct inet *inet, uint64_t bytes);
bool inet_is_writable(const struct inet *inet);
bool inet_is_stream(const struct inet *inet);

/* --- inetcalls.c */
int64_t inet_bind(struct call *call, struct file *file, uint64_t address, int size);
int64_t inet_connect(struct call *call, struct file *file, uint64_t address, int size);
int64_t inet_listen(struct call *call, struct file *file, int backlog);
int64_t inet_accept(struct call *call, struct file *file, uint64_t address, uint64_t size, unsigned flags);
int64_t inet_shutdown(struct file *file, int how);
int64_t inet_name(struct call *call, struct file *file, uint64_t address, uint64_t size, bool peer);
/* One without a name gets one. 0, -errno, CALL_RESTART. */
int64_t inet_need_name(struct call *call, struct inet *inet);

/* --- inetaddress.c */
union inet_name {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};
/*
 * An address of IPv4 is one of AF_INET, in whatever form it came. 0, -EINVAL, -EAFNOSUPPORT, -ENETUNREACH, -EFAULT,
 * CALL_ERROR_RESTART. AF_UNSPEC gives a family of 0.
 */
int inet_address_in(struct call *call, const struct inet *inet, network_address_t *out, uint64_t address, int size);
/* To nobody in particular is to oneself, as Linux has it. */
void inet_address_to_self(const struct inet *inet, network_address_t *address);
/* In the form that the socket's family has. Its size. */
socklen_t inet_address_out(const struct inet *inet, const network_address_t *address, union inet_name *name);
/* As far as *size reaches; address 0: not at all. */
int inet_address_copy(struct call *call, const struct inet *inet, const network_address_t *name, uint64_t address,
	uint64_t size_address);

/* --- inetdata.c */
int64_t inet_send_to(
	struct call *call, struct file *file, struct io *io, unsigned flags, uint64_t address, int address_size);
int64_t inet_receive_from(
	struct call *call, struct file *file, struct io *io, unsigned flags, uint64_t address, uint64_t address_size);
/* address: of the message, where what is told of it goes. */
int64_t inet_receive_message(struct call *call, struct file *file, struct io *io, unsigned flags,
	const struct msghdr *message, uint64_t address);
int64_t inet_read(struct file *file, struct io *io, uint64_t *offset);
int64_t inet_write(struct file *file, struct io *io, uint64_t *offset);
/* Data from the server; false: there is no memory for it. */
bool inet_deliver(struct inet *inet, const network_address_t *from, const void *data, uint64_t size);
void inet_empty(struct inet *inet);
/* Tells the server of what has been read; all: even if it is little. */
void inet_tell_taken(struct inet *inet, bool all);

/* --- inetoptions.c */
int64_t inet_set_option(struct call *call, struct file *file, int level, int option, uint64_t value, int size);
int64_t inet_get_option(
	struct call *call, struct file *file, int level, int option, uint64_t value, uint64_t size_address);
/* The server hears of all that were set. False: it does not. */
bool inet_tell_options(struct inet *inet);
bool inet_is_only_ipv6(const struct inet *inet);
/* Whether a raw socket does not get that packet of ICMPv6. */
bool inet_filters(const struct inet *inet, const void *data, uint64_t size);
/* What a connection has of its listener's. */
void inet_inherit(struct inet *inet, const struct inet *listener);

/* --- inetioctl.c */
/* Questions about interfaces, which a socket of any family takes. -ENOTTY: it is none. */
int64_t inet_ioctl_interfaces(struct call *call, uint64_t request, uint64_t argument);
int64_t inet_ioctl(struct call *call, struct file *file, uint64_t request, uint64_t argument);

#endif
