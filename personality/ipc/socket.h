/* Stream sockets of AF_UNIX: what the files of their calls share. */
#ifndef PERSONALITY_SOCKET_H
#define PERSONALITY_SOCKET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/list.h"
#include "call/call.h"

struct file;
struct io;
struct pipe;
struct vnode;

/*
 * States: NEW, after socket; BOUND, has a name (vnode->socket points to it); LISTENING, takes connections; CONNECTED,
 * has an end of each of two pipes. A connection that has not been accepted yet is a CONNECTED socket on the listener's
 * list.
 */
enum socket_state { SOCKET_NEW, SOCKET_BOUND, SOCKET_LISTENING, SOCKET_CONNECTED };

struct socket {
	enum socket_state state;
	struct vnode *vnode; /* of the name: a reference */
	char path[sizeof((struct sockaddr_un *)0)->sun_path + 1];
	char peer_path[sizeof((struct sockaddr_un *)0)->sun_path + 1];
	struct pipe *in, *out;
	bool in_open, out_open;
	unsigned backlog, pending_count;
	struct list pending; /* of a listener: sockets, by link */
	struct list link;
	struct wait_queue queue; /* of a listener */
	int peer_pid;
	uint32_t peer_uid, peer_gid;
};

/* Null: no memory. */
struct socket *socket_create(void);
/* With the connections that nobody has accepted. */
void socket_free(struct socket *socket);
void socket_close_in(struct socket *socket);
void socket_close_out(struct socket *socket);
/* Connects two ends. 0 or -ENOMEM. */
int socket_join(struct socket *a, struct socket *b);
/* A descriptor for the socket, which is consumed; flags: SOCK_*. Or -errno. */
int64_t socket_install(struct call *call, struct socket *socket, unsigned flags);
/* The file behind a descriptor, borrowed; null and *error (-EBADF, -ENOTSOCK) if it is no socket. */
struct file *socket_file(struct call *call, int fd, int *error);
/* Writes through a socket: quiet: no SIGPIPE. */
int64_t socket_send(struct file *file, struct io *io, bool quiet, bool no_wait);

#endif
