/* Sockets of AF_UNIX: streams, datagrams and sequences of packets; what the files of their calls share. */
#ifndef PERSONALITY_SOCKET_H
#define PERSONALITY_SOCKET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/list.h"
#include "base/table.h"
#include "call/call.h"

struct file;
struct io;
struct rights;
struct user;
struct vnode;

/*
 * What is sent waits with the receiver, as messages, of a stream, too. States: NEW, after socket; LISTENING, takes
 * connections (streams, packets); CONNECTED, has or has had a peer. A connection that has not been accepted yet is a
 * CONNECTED socket on the listener's list. A datagram socket's peer need not have it for its own.
 */
enum socket_state { SOCKET_NEW, SOCKET_LISTENING, SOCKET_CONNECTED };

/* 0: of an unnamed one; then with the family. */
struct socket_name {
	int size;
	struct sockaddr_un address;
};

struct sender {
	int pid; /* 0: not known */
	uint32_t uid, gid;
};

struct message {
	struct list link;
	uint64_t size, taken; /* bytes, and those that a stream's readers have had */
	struct sender sender;
	struct rights *rights;   /* or null */
	struct socket_name name; /* of a datagram's sender */
	char data[];
};

struct socket {
	int type; /* SOCK_* */
	enum socket_state state;
	struct file *file;   /* borrowed; null until it has one */
	struct vnode *vnode; /* of the name: a reference */
	struct table_link abstract;
	struct socket_name name, peer_name; /* peer_name: as it was when the peer came */
	struct socket *peer;                /* null: none, or it has gone */
	struct list followers, follow;      /* sockets that have it for their peer, by follow */
	bool in_shut, out_shut;
	bool refused;                           /* a datagram's peer has gone, and it has not been told */
	bool pass_credentials;                  /* SO_PASSCRED */
	int error;                              /* for the next call, or 0 */
	uint64_t send_size;                     /* SO_SNDBUF */
	uint64_t receive_timeout, send_timeout; /* ns; 0: none */
	struct {
		int reuse, keep_alive, broadcast, priority, receive_size;
		struct linger linger;
	} kept; /* options that change nothing: socketoptions.c */
	struct list messages;
	uint64_t queued; /* bytes of them, with what they take besides */
	unsigned count;
	unsigned backlog, pending_count;
	struct list pending; /* of a listener: sockets, by link */
	struct list link;
	struct wait_queue queue;   /* polls; and calls that wait for connections, or to be taken */
	struct wait_queue arrival; /* calls that wait for messages, */
	struct wait_queue room;    /* and for room for some */
	struct sender owner;       /* whom SO_PEERCRED of those who connect to it names */
	struct sender other;       /* the same of the peer */
	unsigned flying;           /* references of messages to its file: rights.c */
	unsigned inner;
	bool reached;
	struct list fly;
	struct list all; /* of all sockets */
};

/* What calls on sockets do with one of another family than AF_UNIX: the arguments are the caller's. Null: -EOPNOTSUPP.
 */
struct socket_calls {
	int64_t (*bind)(struct call *call, struct file *file, uint64_t address, int size);
	int64_t (*connect)(struct call *call, struct file *file, uint64_t address, int size);
	int64_t (*listen)(struct call *call, struct file *file, int backlog);
	int64_t (*accept)(struct call *call, struct file *file, uint64_t address, uint64_t size, unsigned flags);
	int64_t (*name)(struct call *call, struct file *file, uint64_t address, uint64_t size, bool peer);
	int64_t (*shutdown)(struct file *file, int how);
	int64_t (*set_option)(struct call *call, struct file *file, int level, int option, uint64_t value, int size);
	int64_t (*get_option)(
		struct call *call, struct file *file, int level, int option, uint64_t value, uint64_t size_address);
	/* address_size: 0, and address 0: to the peer. */
	int64_t (*send)(struct call *call, struct file *file, struct io *io, unsigned flags, uint64_t address,
		int address_size);
	int64_t (*receive_from)(struct call *call, struct file *file, struct io *io, unsigned flags, uint64_t address,
		uint64_t address_size);
	/* address: of the message, where what is told of it goes. */
	int64_t (*receive_message)(struct call *call, struct file *file, struct io *io, unsigned flags,
		const struct msghdr *message, uint64_t address);
};

/* Of a socket of another family: what it has for the call. */
#define SOCKET_CALL(file, call, ...)                                                                                   \
	((file)->ops->socket->call != NULL ? (file)->ops->socket->call(__VA_ARGS__) : -EOPNOTSUPP)

extern struct list sockets; /* by all */

#define SOCKET_SEND_SIZE 212992u /* as on Linux (net.core.wmem_default) */
#define NOBODY           0xffffffffu
#define OVERFLOW_ID      65534u

static inline bool socket_is_stream(const struct socket *socket)
{
	return socket->type == SOCK_STREAM;
}

static inline bool socket_has_connections(const struct socket *socket)
{
	return socket->type != SOCK_DGRAM;
}

/* Null: no memory. */
struct socket *socket_create(int type);
/* With the connections that nobody has accepted. */
void socket_free(struct socket *socket);
/* Makes one the other's peer, or none (null). */
void socket_follow(struct socket *socket, struct socket *peer);
/* No more comes in, goes out; whom it is connected to is told. */
void socket_shut(struct socket *socket, bool in, bool out);
/* A descriptor for the socket, which is consumed; flags: SOCK_*. Or -errno. */
int64_t socket_install(struct call *call, struct socket *socket, unsigned flags);
/* The file behind a descriptor, borrowed; null and *error (-EBADF, -ENOTSOCK) if it is no socket. It may be one of
 * another family: file->ops->socket says what is done with it. */
struct file *socket_file(struct call *call, int fd, int *error);
/* The socket of a file; null: it is none. */
struct socket *socket_of(const struct file *file);

/* --- Options (socketoptions.c), for other families, too. */
struct timeval;
/* Waits, for as long as SO_RCVTIMEO or SO_SNDTIMEO (ns; 0: for ever) says, then returns what is done, or -EAGAIN. */
int64_t socket_wait(struct call *call, struct wait_queue *queue, uint64_t timeout, uint64_t done);
/* A struct timeval of the caller's, as ns. 0, -EINVAL, -EDOM, -EFAULT, CALL_RESTART. */
int64_t socket_time_in(struct call *call, uint64_t *to, uint64_t value, int size);
struct timeval socket_time_out(uint64_t ns);

/* --- Names (socketnames.c). */
/* From the caller's memory. 0, -EINVAL, -EFAULT, CALL_ERROR_RESTART. */
int socket_name_in(struct call *call, struct socket_name *name, uint64_t address, int size);
/* To the caller's memory, as far as *size reaches; address 0: not at all. */
int socket_name_out(struct call *call, const struct socket_name *name, uint64_t address, uint64_t size_address);
/* The socket of that name, for sending to it. May release the lock. Borrowed. */
int socket_find(struct call *call, const struct socket_name *name, int type, struct socket **out);
/* A name that nobody has. 0, -ENOMEM, -EADDRINUSE. */
int socket_name_self(struct socket *socket);
void socket_name_end(struct socket *socket);

/* --- Messages (message.c). */
/* What goes with what is sent. rights are consumed when some of it is sent. */
struct sending {
	unsigned flags; /* MSG_* */
	bool no_wait;
	struct rights **rights;
	const struct sender *sender; /* null: who calls */
	struct socket *to;           /* of datagrams; null: the peer */
};
/* Bytes sent (io->done), -errno, CALL_RESTART: io->done of them have been. */
int64_t socket_send(struct socket *socket, struct io *io, const struct sending *sending);
/* What has been received: the first message's, borrowed until it is taken. Null: none. */
struct received {
	const struct message *message;
	struct rights *rights;
	uint64_t bytes; /* moved in this run */
	uint64_t size;  /* of the packet */
	bool again;     /* MSG_WAITALL: more has to come */
};
/* Moves bytes to the caller; they stay until socket_take. io->done, -errno, CALL_RESTART. */
int64_t socket_receive(struct socket *socket, struct io *io, unsigned flags, bool no_wait, struct received *received);
void socket_take(struct socket *socket, const struct received *received);
/* Ends all messages that wait. */
void socket_empty(struct socket *socket);
/* How many bytes a read would get. */
uint64_t socket_readable(const struct socket *socket);
bool socket_is_writable(const struct socket *socket);

/* --- Descriptors on their way (rights.c): SCM_RIGHTS. */
#define RIGHTS_MOST 253u

struct rights {
	struct list link; /* while they are being let go */
	struct user *user;
	bool flies;
	unsigned count;
	struct file *file[];
};

/* Adds the files behind descriptors to *rights (null at first). 0, -EBADF, -EINVAL, -ENOMEM, -ETOOMANYREFS. */
int rights_add(struct call *call, struct rights **rights, const int *fd, unsigned count);
/* They are with a message now. */
void rights_fly(struct rights *rights);
/* The end of them; null is harmless. May release the lock. */
void rights_free(struct rights *rights);
/* The end of a descriptor's reference; sockets that are then nowhere but in one another's messages end. May release the
 * lock. */
void rights_closed(struct file *file);

#endif
