/* Names of sockets: paths, and abstract ones, which are in no file system (unix(7)). */
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "file/file.h"
#include "ipc/socket.h"
#include "process/proc.h"
#include "unix_server.h"
#include "vfs/vfs.h"

#define FAMILY_SIZE ((int)offsetof(struct sockaddr_un, sun_path))
#define SELF_NAMES  0x100000u /* of five hexadecimal digits */

static struct table abstract_names = TABLE_INITIALIZER(abstract_names);

static bool is_abstract(const struct socket_name *name)
{
	return name->size > FAMILY_SIZE && name->address.sun_path[0] == 0;
}

/* FNV-1a. */
static uint64_t hash(const struct socket_name *name, int type)
{
	uint64_t value = 0xcbf29ce484222325 + (unsigned)type;
	int i;

	for (i = FAMILY_SIZE; i < name->size; i++)
		value = (value ^ (unsigned char)name->address.sun_path[i - FAMILY_SIZE]) * 0x100000001b3;
	return value ^ value >> 32;
}

/* Each type has names of its own. */
static struct socket *find_abstract(const struct socket_name *name, int type)
{
	uint64_t key = hash(name, type);
	struct table_link *link;

	for (link = table_find(&abstract_names, key); link != NULL; link = link->next) {
		struct socket *socket = table_entry(link, struct socket, abstract);

		if (link->key == key && socket->type == type && socket->name.size == name->size &&
			memcmp(&socket->name.address, &name->address, (size_t)name->size) == 0)
			return socket;
	}
	return NULL;
}

int socket_name_in(struct call *call, struct socket_name *name, uint64_t address, int size)
{
	int error;

	memset(name, 0, sizeof *name);
	if (size < FAMILY_SIZE || size > (int)sizeof name->address)
		return -EINVAL;
	error = copy_in(call, &name->address, address, (size_t)size);
	if (error != 0)
		return error;
	name->size = size;
	if (size > FAMILY_SIZE && name->address.sun_path[0] != 0)
		name->size = FAMILY_SIZE + (int)strnlen(name->address.sun_path, (size_t)(size - FAMILY_SIZE)) + 1;
	return 0;
}

int socket_name_out(struct call *call, const struct socket_name *name, uint64_t address, uint64_t size_address)
{
	char text[sizeof(struct sockaddr_un) + 1] = {0};
	int size, full = name->size == 0 ? FAMILY_SIZE : name->size, error;

	if (address == 0)
		return 0;
	error = copy_in(call, &size, size_address, sizeof size);
	if (error == 0 && size < 0)
		return -EINVAL;
	memcpy(text, &name->address, sizeof name->address);
	((struct sockaddr_un *)(void *)text)->sun_family = AF_UNIX;
	if (error == 0)
		error = copy_out(call, address, text, (size_t)(size < full ? size : full));
	if (error == 0)
		error = copy_out(call, size_address, &full, sizeof full);
	return error;
}

static void path_of_name(const struct socket_name *name, char path[sizeof(struct sockaddr_un)])
{
	memset(path, 0, sizeof(struct sockaddr_un));
	memcpy(path, name->address.sun_path, (size_t)(name->size - FAMILY_SIZE) - 1);
}

int socket_find(struct call *call, const struct socket_name *name, int type, struct socket **out)
{
	char path[sizeof(struct sockaddr_un)];
	struct vnode *vnode;
	int error = 0;

	if (name->size <= FAMILY_SIZE || name->address.sun_family != AF_UNIX)
		return -EINVAL;
	if (is_abstract(name)) {
		*out = find_abstract(name, type);
	} else {
		path_of_name(name, path);
		error = path_look_up(call, AT_FDCWD, path, 0, &vnode);
		if (error != 0)
			return error;
		error = vnode_access(call, vnode, 2, false); /* W_OK */
		*out = VNODE_TYPE(vnode) == S_IFSOCK ? vnode->socket : NULL;
		vnode_release(vnode);
	}
	if (error == 0 && *out == NULL)
		error = -ECONNREFUSED;
	return error == 0 && (*out)->type != type ? -EPROTOTYPE : error;
}

int socket_name_self(struct socket *socket)
{
	static unsigned next;
	struct socket_name name = {.size = FAMILY_SIZE + 6, .address.sun_family = AF_UNIX};
	unsigned tries;

	for (tries = 0; tries < SELF_NAMES; tries++) {
		snprintf(name.address.sun_path + 1, 6, "%05x", next++ % SELF_NAMES);
		if (find_abstract(&name, socket->type) != NULL)
			continue;
		socket->name = name;
		table_add(&abstract_names, &socket->abstract, hash(&name, socket->type));
		return 0;
	}
	return -EADDRINUSE;
}

void socket_name_end(struct socket *socket)
{
	struct vnode *vnode = socket->vnode;

	/* Accepted ones have their listener's name, and are not found by it: this is harmless for them. */
	if (is_abstract(&socket->name))
		table_remove(&abstract_names, &socket->abstract);
	socket->vnode = NULL;
	if (vnode != NULL && vnode->socket == socket)
		vnode->socket = NULL;
	vnode_release(vnode);
}

static int bind_path(struct call *call, struct socket *socket, const struct socket_name *name)
{
	char path[sizeof(struct sockaddr_un)], last[256];
	struct vnode *parent = NULL, *vnode = NULL;
	bool slash;
	int error;

	path_of_name(name, path);
	error = path_look_up_parent(call, AT_FDCWD, path, &parent, last, &slash);
	/* It has a name already: as Linux says it, and without making a file that nobody wants. */
	if (error == 0 && socket->name.size != 0) {
		error = path_look_up(call, AT_FDCWD, path, PATH_NOFOLLOW, &vnode);
		error = error == 0 ? -EEXIST : error == -ENOENT ? -EINVAL : error;
		vnode_release(vnode);
	} else if (error == 0) {
		error = vnode_create(call, parent, last, S_IFSOCK | 0777, 0, &vnode);
	}
	vnode_release(parent);
	if (error == 0) {
		socket->vnode = vnode;
		vnode->socket = socket;
		socket->name = *name;
	}
	return error == -EEXIST ? -EADDRINUSE : error;
}

int64_t sys_bind(uint64_t caller, int fd, uint64_t address, int size)
{
	struct call *call = call_of(caller);
	struct socket_name name;
	struct socket *socket;
	struct file *file;
	int error;

	file = socket_file(call, fd, &error);
	if (file == NULL)
		return error;
	if (file->ops->socket != NULL)
		return SOCKET_CALL(file, bind, call, file, address, size);
	socket = file->data;
	error = socket_name_in(call, &name, address, size);
	if (error == 0 && name.address.sun_family != AF_UNIX)
		error = -EINVAL;
	if (error == 0 && name.size == FAMILY_SIZE)
		return socket->name.size != 0 ? 0 : socket_name_self(socket);
	if (error != 0)
		return call_result(error);
	if (is_abstract(&name)) {
		if (socket->name.size != 0)
			return -EINVAL;
		if (find_abstract(&name, socket->type) != NULL)
			return -EADDRINUSE;
		socket->name = name;
		table_add(&abstract_names, &socket->abstract, hash(&name, socket->type));
		return 0;
	}
	file_reference(file);
	error = bind_path(call, socket, &name);
	file_release(file);
	return call_result(error);
}

static struct sender self(const struct process *process)
{
	return (struct sender){process->id, process->credentials.euid, process->credentials.egid};
}

int64_t sys_listen(uint64_t caller, int fd, int backlog)
{
	int error;
	struct file *file = socket_file(call_of(caller), fd, &error);
	struct socket *socket;

	if (file == NULL)
		return error;
	if (file->ops->socket != NULL)
		return SOCKET_CALL(file, listen, call_of(caller), file, backlog);
	socket = file->data;
	if (!socket_has_connections(socket))
		return -EOPNOTSUPP;
	if (socket->name.size == 0 || socket->state == SOCKET_CONNECTED)
		return -EINVAL;
	socket->state = SOCKET_LISTENING;
	socket->owner = self(call_of(caller)->process); /* for those who connect to it */
	socket->backlog = backlog < 0 || backlog > SOMAXCONN ? SOMAXCONN : (unsigned)backlog;
	wait_queue_wake(&socket->queue, 0);
	return 0;
}

/* A datagram's peer is only whom it sends to. */
static int64_t connect_datagrams(struct call *call, struct socket *socket, const struct socket_name *name)
{
	struct socket *peer = NULL;
	int error = 0;

	if (name->address.sun_family != AF_UNSPEC) {
		error = socket_find(call, name, socket->type, &peer);
		if (error == 0 && peer->peer != NULL && peer->peer != socket)
			error = -EPERM;
		if (error == 0 && socket->pass_credentials && socket->name.size == 0)
			error = socket_name_self(socket);
	}
	if (error != 0)
		return call_result(error);
	socket_follow(socket, peer);
	socket->refused = false;
	socket->state = peer != NULL ? SOCKET_CONNECTED : SOCKET_NEW;
	wait_queue_wake(&socket->queue, 0);
	return 0;
}

static int64_t join(struct call *call, struct socket *socket, struct socket *listener)
{
	struct socket *other = socket_create(socket->type);

	if (other == NULL)
		return -ENOMEM;
	other->state = socket->state = SOCKET_CONNECTED;
	socket_follow(socket, other);
	socket_follow(other, socket);
	other->other = self(call->process);
	other->name = listener->name;
	/* It has the name to show, not to be found by. */
	other->pass_credentials = listener->pass_credentials;
	socket->other = listener->owner;
	list_append(&listener->pending, &other->link);
	listener->pending_count++;
	wait_queue_wake(&listener->queue, POLLIN);
	wait_queue_wake(&socket->queue, POLLOUT);
	return 0;
}

static int64_t connect_to(struct call *call, struct file *file, const struct socket_name *name)
{
	struct socket *socket = file->data, *listener;
	int error;

	if (!socket_has_connections(socket))
		return connect_datagrams(call, socket, name);
	error = socket_find(call, name, socket->type, &listener);
	if (error != 0)
		return call_result(error);
	if (listener->state != SOCKET_LISTENING || listener->in_shut)
		return -ECONNREFUSED;
	if (listener->pending_count > listener->backlog)
		return file->flags & O_NONBLOCK ? -EAGAIN
						: socket_wait(call, &listener->queue, socket->send_timeout, 0);
	if (socket->state != SOCKET_NEW)
		return socket->state == SOCKET_CONNECTED ? -EISCONN : -EINVAL;
	if (socket->pass_credentials && socket->name.size == 0) {
		error = socket_name_self(socket);
		if (error != 0)
			return error;
	}
	return join(call, socket, listener);
}

int64_t sys_connect(uint64_t caller, int fd, uint64_t address, int size)
{
	struct call *call = call_of(caller);
	struct socket_name name;
	struct file *file;
	int64_t result;
	int error;

	file = socket_file(call, fd, &error);
	if (file == NULL)
		return error;
	if (file->ops->socket != NULL)
		return SOCKET_CALL(file, connect, call, file, address, size);
	error = socket_name_in(call, &name, address, size);
	if (error != 0)
		return call_result(error);
	file_reference(file);
	result = connect_to(call, file, &name);
	file_release(file);
	return result;
}

int64_t sys_accept4(uint64_t caller, int fd, uint64_t address, uint64_t size, unsigned flags)
{
	struct call *call = call_of(caller);
	struct socket *listener, *other;
	int error;
	struct file *file = socket_file(call, fd, &error);

	if (file == NULL)
		return error;
	listener = file->data;
	if (flags & ~(unsigned)(SOCK_CLOEXEC | SOCK_NONBLOCK))
		return -EINVAL;
	if (file->ops->socket != NULL)
		return SOCKET_CALL(file, accept, call, file, address, size, flags);
	if (!socket_has_connections(listener))
		return -EOPNOTSUPP;
	if (listener->state != SOCKET_LISTENING)
		return -EINVAL;
	error = fd_room(call);
	if (error != 0)
		return error;
	if (list_empty(&listener->pending)) {
		if (listener->in_shut)
			return -EINVAL;
		return file->flags & O_NONBLOCK ? -EAGAIN
						: socket_wait(call, &listener->queue, listener->receive_timeout, 0);
	}
	other = list_entry(listener->pending.next, struct socket, link);
	error = socket_name_out(call, other->peer != NULL ? &other->peer->name : &other->peer_name, address, size);
	if (error != 0)
		return call_result(error);
	list_remove(&other->link);
	listener->pending_count--;
	wait_queue_wake(&listener->queue, 0);
	return socket_install(call, other, flags);
}

int64_t sys_accept(uint64_t caller, int fd, uint64_t address, uint64_t size)
{
	return sys_accept4(caller, fd, address, size, 0);
}

int64_t sys_getsockname(uint64_t caller, int fd, uint64_t address, uint64_t size)
{
	struct call *call = call_of(caller);
	int error;
	struct file *file = socket_file(call, fd, &error);

	if (file != NULL && file->ops->socket != NULL)
		return SOCKET_CALL(file, name, call, file, address, size, false);
	if (file != NULL)
		error = address == 0 ? -EFAULT
				     : socket_name_out(call, &((struct socket *)file->data)->name, address, size);
	return call_result(error);
}

int64_t sys_getpeername(uint64_t caller, int fd, uint64_t address, uint64_t size)
{
	struct call *call = call_of(caller);
	int error;
	struct file *file = socket_file(call, fd, &error);
	const struct socket *socket;

	if (file == NULL)
		return error;
	if (file->ops->socket != NULL)
		return SOCKET_CALL(file, name, call, file, address, size, true);
	socket = file->data;
	if (socket->peer == NULL && (socket->state != SOCKET_CONNECTED || !socket_has_connections(socket)))
		return -ENOTCONN;
	error = address == 0 ? -EFAULT
			     : socket_name_out(call, socket->peer != NULL ? &socket->peer->name : &socket->peer_name,
				       address, size);
	return call_result(error);
}
