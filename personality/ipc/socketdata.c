/* Calls that send and receive through sockets, and what goes with the bytes: names, descriptors, credentials. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "file/file.h"
#include "ipc/socket.h"
#include "process/proc.h"
#include "unix_server.h"

#define CONTROL_MOST  131072u /* bytes of control messages: as on Linux (net.core.optmem_max) */
#define MESSAGES_MOST 1024u   /* of recvmmsg and sendmmsg */

/* --- Sending. */

/* Whose credentials the caller may show for its own (unix(7)). */
static int check_sender(const struct process *process, const struct sender *sender)
{
	const struct credentials *who = &process->credentials;

	if (sender->pid != process->id && !capable(process, CAP_SYS_ADMIN))
		return -EPERM;
	if (sender->uid != who->uid && sender->uid != who->euid && sender->uid != who->suid &&
		!capable(process, CAP_SETUID))
		return -EPERM;
	if (sender->gid != who->gid && sender->gid != who->egid && sender->gid != who->sgid &&
		!capable(process, CAP_SETGID))
		return -EPERM;
	return process_find(sender->pid) == NULL ? -ESRCH : 0;
}

struct control {
	struct rights *rights;
	struct sender sender;
	bool has_sender;
};

static int read_control(struct call *call, const struct cmsghdr *header, struct control *control)
{
	const void *data = header + 1;
	int error;

	if (header->cmsg_level != SOL_SOCKET)
		return 0;
	switch (header->cmsg_type) {
	case SCM_RIGHTS:
		return rights_add(
			call, &control->rights, data, (unsigned)((header->cmsg_len - sizeof *header) / sizeof(int)));
	case SCM_CREDENTIALS:
		if (header->cmsg_len != CMSG_LEN(sizeof control->sender))
			return -EINVAL;
		memcpy(&control->sender, data, sizeof control->sender);
		error = check_sender(call->process, &control->sender);
		control->has_sender = error == 0;
		return error;
	default:
		return -EINVAL;
	}
}

/* All control messages of a message that is sent; what they hold is the caller's on failure, too. */
static int read_controls(struct call *call, const struct msghdr *message, struct control *control)
{
	size_t size = message->msg_controllen, at = 0;
	char *bytes;
	int error;

	if (size == 0)
		return 0;
	if (size > CONTROL_MOST)
		return -ENOBUFS;
	bytes = malloc(size);
	if (bytes == NULL)
		return -ENOMEM;
	error = copy_in(call, bytes, (uint64_t)(uintptr_t)message->msg_control, size);
	while (error == 0 && size - at >= sizeof(struct cmsghdr)) {
		const struct cmsghdr *header = (const void *)(bytes + at);

		if (header->cmsg_len < sizeof *header || header->cmsg_len > size - at)
			error = -EINVAL;
		else
			error = read_control(call, header, control);
		if (error != 0 || CMSG_ALIGN(header->cmsg_len) >= size - at)
			break;
		at += CMSG_ALIGN(header->cmsg_len);
	}
	free(bytes);
	return error;
}

static bool is_non_blocking(const struct file *file, unsigned flags)
{
	return (flags & MSG_DONTWAIT) || (file->flags & O_NONBLOCK);
}

/* Where a datagram goes, if it says so: *to. name: null or of no size: to the peer. */
static int find_target(
	struct call *call, const struct socket *socket, const struct socket_name *name, struct socket **to)
{
	*to = NULL;
	if (name == NULL || name->size == 0 || socket->type == SOCK_SEQPACKET)
		return 0;
	if (socket_is_stream(socket))
		return socket->state == SOCKET_CONNECTED ? -EISCONN : -EOPNOTSUPP;
	return socket_find(call, name, socket->type, to);
}

/* message: null, or what it says besides the bytes. */
static int64_t send_io(struct call *call, struct file *file, struct io *io, unsigned flags,
	const struct socket_name *name, const struct msghdr *message)
{
	struct control control = {0};
	struct sending sending = {.flags = flags, .no_wait = is_non_blocking(file, flags), .rights = &control.rights};
	int64_t result;
	int error = 0;

	file_reference(file);
	io->done = call->progress;
	/* They went with the first bytes. */
	if (message != NULL && io->done == 0)
		error = read_controls(call, message, &control);
	if (error == 0)
		error = find_target(call, file->data, name, &sending.to);
	if (control.has_sender)
		sending.sender = &control.sender;
	result = error != 0 ? call_result(error) : socket_send(file->data, io, &sending);
	if (result == CALL_RESTART) {
		call->progress = io->done;
		call->partial = true;
	}
	rights_free(control.rights);
	file_release(file);
	return result;
}

static int flat_io(struct io *io, struct io_segment *segment, uint64_t address, uint64_t size)
{
	*segment = (struct io_segment){address, size < IO_MAX ? size : IO_MAX};
	io->segment = segment;
	io->segments = 1;
	io->total = segment->size;
	return address > VM_MAX_ADDRESS || segment->size > VM_MAX_ADDRESS - address ? -EFAULT : 0;
}

int64_t sys_sendto(
	uint64_t caller, int fd, uint64_t data, uint64_t size, unsigned flags, uint64_t address, int address_size)
{
	struct call *call = call_of(caller);
	struct io io = {.call = call};
	struct socket_name name = {0};
	struct io_segment segment;
	int error;
	struct file *file;

	error = flat_io(&io, &segment, data, size);
	if (error != 0)
		return error;
	file = socket_file(call, fd, &error);
	if (file != NULL && file->ops->socket != NULL)
		return SOCKET_CALL(file, send, call, file, &io, flags, address, address_size);
	if (file != NULL && address != 0 && address_size != 0)
		error = socket_name_in(call, &name, address, address_size);
	return error != 0 ? call_result(error) : send_io(call, file, &io, flags, &name, NULL);
}

/* A struct msghdr with its segments; io_vector_end comes after it in any case. */
static int message_in(
	struct call *call, uint64_t address, struct msghdr *message, struct io *io, struct io_segment *few)
{
	int error;

	io->call = call;
	io->segment = few;
	error = copy_in(call, message, address, sizeof *message);
	if (error == 0 && message->msg_iovlen > IO_SEGMENTS_MAX)
		error = -EMSGSIZE;
	return error != 0 ? error : io_vector(io, few, (uint64_t)(uintptr_t)message->msg_iov, message->msg_iovlen);
}

static int64_t send_message(struct call *call, int fd, uint64_t address, unsigned flags)
{
	struct io_segment few[IO_SEGMENTS_FEW];
	struct io io = {0};
	struct socket_name name = {0};
	struct msghdr message;
	int error;
	struct file *file = socket_file(call, fd, &error);
	int64_t result;

	if (file == NULL)
		return error;
	error = message_in(call, address, &message, &io, few);
	if (file->ops->socket != NULL) {
		result = error != 0 ? call_result(error)
				    : SOCKET_CALL(file, send, call, file, &io, flags,
					      (uint64_t)(uintptr_t)message.msg_name, (int)message.msg_namelen);
		io_vector_end(&io, few);
		return result;
	}
	if (error == 0 && message.msg_name != NULL && message.msg_namelen != 0)
		error = socket_name_in(call, &name, (uint64_t)(uintptr_t)message.msg_name,
			message.msg_namelen > sizeof name.address ? (int)sizeof name.address
								  : (int)message.msg_namelen);
	result = error != 0 ? call_result(error) : send_io(call, file, &io, flags, &name, &message);
	io_vector_end(&io, few);
	return result;
}

int64_t sys_sendmsg(uint64_t caller, int fd, uint64_t message, unsigned flags)
{
	return send_message(call_of(caller), fd, message, flags);
}

/* --- Receiving. */

/* The room for control messages of one that is received, and how far it is filled. */
struct control_room {
	struct call *call;
	uint64_t address, left;
	unsigned flags; /* MSG_CTRUNC */
};

/* 0, -EFAULT, CALL_ERROR_RESTART. */
static int put_control(struct control_room *room, int type, const void *data, size_t size)
{
	struct {
		struct cmsghdr header;
		char data[sizeof(struct sender) + RIGHTS_MOST * sizeof(int)];
	} out = {.header = {CMSG_LEN(size), SOL_SOCKET, type}};
	uint64_t space;
	int error;

	if (room->address == 0 || room->left < sizeof out.header) {
		room->flags |= MSG_CTRUNC;
		return 0;
	}
	if (room->left < out.header.cmsg_len) {
		room->flags |= MSG_CTRUNC;
		out.header.cmsg_len = room->left;
	}
	memcpy(out.data, data, size);
	error = copy_out(room->call, room->address, &out, out.header.cmsg_len);
	if (error != 0)
		return error;
	space = CMSG_SPACE(size) < room->left ? CMSG_SPACE(size) : room->left;
	room->address += space;
	room->left -= space;
	return 0;
}

/* As many as there is room for get descriptors. */
static int put_rights(struct control_room *room, const struct rights *rights, bool close_on_exec)
{
	int fd[RIGHTS_MOST];
	unsigned most = 0, count = 0, i;
	int error = 0;

	if (room->address != 0 && room->left > sizeof(struct cmsghdr))
		most = (unsigned)((room->left - sizeof(struct cmsghdr)) / sizeof(int));
	for (; count < rights->count && count < most; count++) {
		int64_t one = fd_install(room->call, file_reference(rights->file[count]), close_on_exec);

		if (one < 0)
			break;
		fd[count] = (int)one;
	}
	if (count < rights->count)
		room->flags |= MSG_CTRUNC;
	if (count > 0)
		error = put_control(room, SCM_RIGHTS, fd, count * sizeof fd[0]);
	for (i = 0; i < count && error != 0; i++)
		fd_close(room->call, fd[i]);
	if (error == -EFAULT) {
		room->flags |= MSG_CTRUNC;
		return 0;
	}
	return error;
}

static int put_controls(
	struct control_room *room, const struct socket *socket, const struct received *received, unsigned flags)
{
	int error = 0;

	if (received->message == NULL)
		return 0;
	if (room->address == 0) {
		if (socket->pass_credentials || received->rights != NULL)
			room->flags |= MSG_CTRUNC;
		return 0;
	}
	if (socket->pass_credentials)
		error = put_control(room, SCM_CREDENTIALS, &received->message->sender, sizeof(struct sender));
	if (error == 0 && received->rights != NULL)
		error = put_rights(room, received->rights, (flags & MSG_CMSG_CLOEXEC) != 0);
	return error;
}

/* Whom it comes from. */
static const struct socket_name *name_of(const struct socket *socket, const struct received *received)
{
	if (received->message == NULL)
		return NULL;
	if (socket->type == SOCK_DGRAM)
		return &received->message->name;
	return socket->peer != NULL ? &socket->peer->name : &socket->peer_name;
}

/* After the bytes have reached the caller, and all else, they go. */
static int64_t finish(struct call *call, struct socket *socket, struct io *io, const struct received *received,
	unsigned flags, int64_t result)
{
	if (!(flags & MSG_PEEK))
		socket_take(socket, received);
	if (received->again) {
		call->progress = io->done;
		call->partial = true;
		return socket_wait(call, &socket->arrival, socket->receive_timeout, io->done);
	}
	if (!socket_is_stream(socket) && (flags & MSG_TRUNC) && received->message != NULL)
		return (int64_t)received->size;
	return result;
}

static int64_t receive_io(
	struct call *call, struct file *file, struct io *io, unsigned flags, struct received *received)
{
	int64_t result;

	io->done = call->progress;
	result = socket_receive(file->data, io, flags, is_non_blocking(file, flags), received);
	if (result == CALL_RESTART) {
		call->progress = io->done;
		call->partial = true;
	}
	return result;
}

int64_t sys_recvfrom(
	uint64_t caller, int fd, uint64_t data, uint64_t size, unsigned flags, uint64_t address, uint64_t address_size)
{
	struct call *call = call_of(caller);
	struct io io = {.call = call};
	const struct socket_name *name;
	struct io_segment segment;
	struct received received;
	int error;
	struct file *file;
	int64_t result;

	error = flat_io(&io, &segment, data, size);
	if (error != 0)
		return error;
	file = socket_file(call, fd, &error);
	if (file == NULL)
		return error;
	if (file->ops->socket != NULL)
		return SOCKET_CALL(file, receive_from, call, file, &io, flags, address, address_size);
	result = receive_io(call, file, &io, flags, &received);
	if (result < 0)
		return result;
	name = name_of(file->data, &received);
	if (address != 0) {
		int zero = 0;

		error = name != NULL && name->size != 0 ? socket_name_out(call, name, address, address_size)
							: copy_out(call, address_size, &zero, sizeof zero);
	}
	if (error == CALL_ERROR_RESTART)
		return CALL_RESTART;
	result = finish(call, file->data, &io, &received, flags, result);
	return error != 0 ? error : result;
}

/* The parts of a struct msghdr that a receiver is told. */
static int message_out(struct call *call, uint64_t address, const struct msghdr *message, uint64_t control_used,
	unsigned flags, const struct socket_name *name)
{
	struct msghdr *at = (struct msghdr *)(uintptr_t)address;
	socklen_t name_size = name != NULL ? (socklen_t)name->size : 0;
	int error = 0;

	if (message->msg_name != NULL) {
		socklen_t part = name_size < message->msg_namelen ? name_size : message->msg_namelen;

		if (part > 0)
			error = copy_out(call, (uint64_t)(uintptr_t)message->msg_name, &name->address, part);
		if (error == 0)
			error = copy_out(call, (uint64_t)(uintptr_t)&at->msg_namelen, &name_size, sizeof name_size);
	}
	if (error == 0)
		error = copy_out(call, (uint64_t)(uintptr_t)&at->msg_flags, &flags, sizeof flags);
	if (error == 0)
		error = copy_out(call, (uint64_t)(uintptr_t)&at->msg_controllen, &control_used, sizeof control_used);
	return error;
}

static int64_t receive_message(struct call *call, int fd, uint64_t address, unsigned flags)
{
	struct io_segment few[IO_SEGMENTS_FEW];
	struct io io = {0};
	struct control_room room = {.call = call};
	struct received received;
	struct msghdr message;
	int error;
	struct file *file = socket_file(call, fd, &error);
	int64_t result;

	if (file == NULL)
		return error;
	error = message_in(call, address, &message, &io, few);
	if (file->ops->socket != NULL) {
		result = error != 0 ? call_result(error)
				    : SOCKET_CALL(file, receive_message, call, file, &io, flags, &message, address);
		io_vector_end(&io, few);
		return result;
	}
	result = error != 0 ? call_result(error) : receive_io(call, file, &io, flags, &received);
	if (result >= 0) {
		struct socket *socket = file->data;
		unsigned told = flags & MSG_CMSG_CLOEXEC;

		room.address = (uint64_t)(uintptr_t)message.msg_control;
		room.left = message.msg_controllen;
		if (received.message != NULL && !socket_is_stream(socket) && received.size > io.total)
			told |= MSG_TRUNC;
		/* What the caller is told first, since descriptors cannot be taken back: it may have to be tried again.
		 */
		error = message_out(call, address, &message, message.msg_controllen, told, name_of(socket, &received));
		if (error == 0 && !received.again)
			error = put_controls(&room, socket, &received, flags);
		if (error == 0)
			error = message_out(call, address, &message, message.msg_controllen - room.left,
				told | room.flags, name_of(socket, &received));
		result = error == CALL_ERROR_RESTART ? CALL_RESTART
						     : finish(call, socket, &io, &received, flags, result);
		if (error != 0 && error != CALL_ERROR_RESTART)
			result = error;
	}
	io_vector_end(&io, few);
	return result;
}

int64_t sys_recvmsg(uint64_t caller, int fd, uint64_t message, unsigned flags)
{
	return receive_message(call_of(caller), fd, message, flags);
}

/* --- Several messages in one call. */

struct several {
	unsigned done;
	uint64_t progress; /* of the message that goes on */
	uint64_t deadline; /* ns, monotonic; 0: none */
};

static int64_t several_step(struct call *call, int fd, uint64_t address, unsigned flags, bool out)
{
	int64_t result = out ? send_message(call, fd, address, flags) : receive_message(call, fd, address, flags);
	unsigned size = (unsigned)result;
	int error = 0;

	if (result >= 0) {
		error = copy_out(call, address + sizeof(struct msghdr), &size, sizeof size);
	}
	return error == -EFAULT ? error : result;
}

static struct several *several_of(struct call *call)
{
	if (call->scratch == NULL)
		call->scratch = calloc(1, sizeof(struct several));
	return call->scratch;
}

static int64_t several_result(const struct several *several, int64_t result)
{
	return several->done > 0 ? (int64_t)several->done : result;
}

static int64_t transfer_several(
	struct call *call, int fd, uint64_t messages, unsigned count, unsigned flags, uint64_t timeout_ns, bool out)
{
	struct several *several = several_of(call);
	unsigned each = flags;
	int64_t result = 0;

	if (several == NULL)
		return -ENOMEM;
	if (several->deadline == 0 && timeout_ns != 0)
		several->deadline = clock_monotonic() + timeout_ns;
	while (several->done < count) {
		if (several->done > 0 && (flags & MSG_WAITFORONE))
			each |= MSG_DONTWAIT;
		call->progress = several->progress;
		result = several_step(call, fd, messages + several->done * sizeof(struct mmsghdr),
			each & ~(unsigned)MSG_WAITFORONE, out);
		several->progress = result == CALL_RESTART ? call->progress : 0;
		/* A signal ends it: the messages that have been done count. */
		call->progress = several->done;
		if (result < 0)
			break;
		several->done++;
		if (several->deadline != 0 && clock_monotonic() >= several->deadline)
			break;
	}
	return result == CALL_RESTART ? result : several_result(several, result);
}

int64_t sys_sendmmsg(uint64_t caller, int fd, uint64_t messages, unsigned count, unsigned flags)
{
	int error;

	if (socket_file(call_of(caller), fd, &error) == NULL)
		return error;
	return transfer_several(
		call_of(caller), fd, messages, count < MESSAGES_MOST ? count : MESSAGES_MOST, flags, 0, true);
}

int64_t sys_recvmmsg(uint64_t caller, int fd, uint64_t messages, unsigned count, unsigned flags, uint64_t timeout)
{
	struct call *call = call_of(caller);
	struct timespec time = {0};
	uint64_t ns = 0;
	int error = timeout != 0 ? copy_in(call, &time, timeout, sizeof time) : 0;

	if (error != 0)
		return call_result(error);
	if (timeout != 0) {
		if (time.tv_sec < 0 || time.tv_nsec < 0 || time.tv_nsec >= 1000000000)
			return -EINVAL;
		ns = (uint64_t)time.tv_sec < INT64_MAX / 1000000000 / 2
			     ? (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec + 1
			     : INT64_MAX / 2;
	}
	if (socket_file(call, fd, &error) == NULL)
		return error;
	return transfer_several(call, fd, messages, count < MESSAGES_MOST ? count : MESSAGES_MOST, flags, ns, false);
}
