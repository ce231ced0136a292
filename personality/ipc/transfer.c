/*
 * Calls that move bytes from one descriptor to another: sendfile, copy_file_range, splice, tee, vmsplice.
 *
 * They go through a buffer of the server's, and leave where they come from only when they are where they go: of a file
 * the offset moves by what was written, a pipe is held (ipc/pipe.h) and what was written is taken from it. So nothing
 * is lost by an error, a signal or a call that runs again. call->progress counts the bytes that have been moved.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

#include "base/user.h"
#include "call/dispatch.h"
#include "file/file.h"
#include "file/vnode.h"
#include "ipc/pipe.h"
#include "process/proc.h"
#include "unix_server.h"
#include "vfs/vfs_internal.h"

#define CHUNK        65536u
#define SPLICE_FLAGS (unsigned)(SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT)

/* Of a call, in call->scratch. have, written: of sendfile, bytes that were read and those of them that were written. */
struct relay {
	uint64_t have, written;
	uint64_t size; /* of data */
	char data[];
};

/* One side of it. */
struct side {
	struct file *file;
	struct pipe *pipe; /* or null */
	uint64_t address;  /* of the offset in the caller's memory, or null: the file's position, for a turn */
	uint64_t offset;
	bool begun, turn;
};

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void forget(struct call *call)
{
	user_free(call->scratch);
	call->scratch = NULL;
}

/* The user's memory, for a call may wait with it as long as it likes. */
static struct relay *buffer_of(struct call *call, uint64_t count)
{
	struct relay *buffer = call->scratch;

	if (buffer == NULL) {
		count = smaller(count, CHUNK);
		buffer = call->scratch = user_alloc(user_now(), sizeof *buffer + count);
		if (buffer != NULL) {
			buffer->size = count;
			call->scratch_release = forget;
		}
	}
	return buffer;
}

static bool may_read(const struct file *file)
{
	return (file->flags & O_ACCMODE) != O_WRONLY;
}

static bool may_write(const struct file *file)
{
	return (file->flags & O_ACCMODE) != O_RDONLY;
}

static bool can(const struct file *file, unsigned relay)
{
	return (file->ops->relays & relay) && (file->vnode == NULL || VNODE_TYPE(file->vnode) != S_IFDIR);
}

/* The offset that the caller names. */
static int side_offset(struct call *call, struct side *side)
{
	int error = 0;

	if (side->address != 0) {
		error = copy_in(call, &side->offset, side->address, sizeof side->offset);
		side->offset += call->progress;
	}
	return error;
}

/* Where it goes on. The other side may be the same file, with the turn; null: there is none. */
static int side_begin(struct side *side, const struct side *other)
{
	int error = 0;

	if (side->address != 0 || !side->file->seekable)
		return 0;
	if (other == NULL || !other->turn || other->file != side->file) {
		error = file_turn_begin(side->file);
		side->turn = error == 0;
	}
	side->offset = side->file->position;
	side->begun = error == 0;
	return error;
}

/* done: it does not run again. */
static int side_end(struct call *call, struct side *side, bool done)
{
	if (side->address != 0)
		return done ? copy_out(call, side->address, &side->offset, sizeof side->offset) : 0;
	if (side->begun)
		side->file->position = side->offset;
	if (side->turn)
		file_turn_end(side->file);
	side->turn = side->begun = false;
	return 0;
}

/* Offsets are not negative, nor is what `count` bytes from there lead to. */
static bool in_range(const struct side *side, uint64_t count)
{
	return (int64_t)count >= 0 &&
	       (!side->file->seekable || ((int64_t)side->offset >= 0 && (int64_t)(side->offset + count) >= 0));
}

/* What the call returns after a step that came out as `result`. */
static int64_t outcome(struct call *call, int64_t result)
{
	call->partial = true;
	return result == CALL_RESTART || (result < 0 && call->progress == 0) ? result : (int64_t)call->progress;
}

/* --- From a file to a file. */

static int64_t relay(struct call *call, struct side *from, struct side *to, uint64_t count)
{
	struct relay *buffer = buffer_of(call, count);
	int64_t result = 0;

	if (buffer == NULL)
		return -ENOMEM;
	while (call->progress < count) {
		uint64_t at, now;
		struct io io;

		if (buffer->written == buffer->have) {
			at = from->offset;
			io_init_server(&io, call, buffer->data, smaller(count - call->progress, buffer->size));
			result = from->file->ops->read(from->file, &io, &at);
			if (result <= 0)
				break;
			buffer->have = (uint64_t)result;
			buffer->written = 0;
		}
		at = to->offset;
		io_init_server(&io, call, buffer->data, buffer->have);
		io.done = buffer->written;
		result = to->file->ops->write(to->file, &io, to->file->seekable ? &at : NULL);
		now = (result == CALL_RESTART || result > 0) && io.done > buffer->written ? io.done - buffer->written
											  : 0;
		call->progress += now;
		buffer->written += now;
		from->offset += now;
		to->offset += now;
		if (now == 0 && result > 0)
			result = -EIO;
		if (result <= 0)
			break;
	}
	return outcome(call, result);
}

/* The bytes of a copy within a file must not overlap. */
static bool overlap(const struct side *from, const struct side *to, uint64_t count)
{
	return from->file->vnode == to->file->vnode && from->offset < to->offset + count &&
	       to->offset < from->offset + count;
}

/* copy_file_range: at most to the end of what is copied, and to the limit of sizes. */
static int copy_bounds(struct call *call, struct side *from, struct side *to, uint64_t *count)
{
	uint64_t limit = call->process->limit[RLIMIT_FSIZE].rlim_cur;
	file_attributes_t attributes;
	int error;

	if (call->progress == 0 && (from->offset + *count < from->offset || to->offset + *count < to->offset))
		return -EOVERFLOW;
	error = from->file->vnode->ops->get_attributes(from->file->vnode, &attributes);
	if (error != 0)
		return error;
	*count = from->offset < attributes.size ? smaller(*count, attributes.size - from->offset) : 0;
	if (to->offset >= limit && call->progress == 0) {
		signal_thread(call->thread, SIGXFSZ, NULL);
		return -EFBIG;
	}
	if (to->offset < limit)
		*count = smaller(*count, limit - to->offset);
	return overlap(from, to, *count) || !in_range(from, *count) || !in_range(to, *count) ? -EINVAL : 0;
}

/* The offsets are known. copy: copy_file_range. */
static int64_t relay_sides(struct call *call, struct side *from, struct side *to, uint64_t count, bool copy)
{
	/* Always the same of two first, so that nobody waits in a circle. */
	struct side *first = from->file < to->file ? from : to, *second = first == from ? to : from;
	uint64_t left = smaller(count, IO_MAX) - call->progress;
	int64_t result = 0;
	int error, end, other_end;

	error = side_begin(first, second);
	if (error == 0)
		error = side_begin(second, first);
	if (error == 0 && copy)
		error = copy_bounds(call, from, to, &left);
	else if (error == 0 && (!in_range(from, count) || !in_range(to, count)))
		error = -EINVAL;
	if (error == 0)
		result = relay(call, from, to, call->progress + left);
	end = side_end(call, from, error == 0 && result >= 0);
	other_end = side_end(call, to, error == 0 && result >= 0);
	if (error == 0 && result >= 0)
		error = end != 0 ? end : other_end;
	return error != 0 ? outcome(call, call_result(error)) : result;
}

/* --- Between a file and a pipe. */

/* Whether a read would wait; what has no poll never does. */
static bool would_wait(struct file *file)
{
	return file->ops->poll != NULL && !(file->ops->poll(file) & (POLLIN | POLLHUP | POLLERR | POLLRDHUP));
}

/* One read's bytes, or of a file as many as it has, into the pipe, which is held. */
static int64_t read_into(struct call *call, struct side *from, struct pipe *pipe, uint64_t count, bool no_wait)
{
	struct relay *buffer = call->scratch;
	int64_t result = 0;
	uint64_t part, now;

	do {
		uint64_t at = from->offset;
		struct io io;

		part = smaller(smaller(count - call->progress, buffer->size), pipe_room(pipe));
		if (part == 0)
			break;
		if (no_wait && would_wait(from->file))
			return -EAGAIN;
		io_init_server(&io, call, buffer->data, part);
		result = from->file->ops->read(from->file, &io, from->file->seekable ? &at : NULL);
		now = result == CALL_RESTART ? io.done : result > 0 ? (uint64_t)result : 0;
		pipe_put(pipe, buffer->data, (uint32_t)now);
		from->offset += now;
		call->progress += now;
	} while (result == (int64_t)part && from->file->seekable);
	return result;
}

static int64_t fill_pipe(struct call *call, struct side *from, struct pipe *pipe, uint64_t count, bool no_wait)
{
	uint64_t before = call->progress;
	int64_t result;
	int error;

	count = smaller(count, IO_MAX);
	if (buffer_of(call, count) == NULL)
		return -ENOMEM;
	result = pipe_hold_to(pipe, call, no_wait || before > 0);
	if (result < 0)
		return outcome(call, result);
	error = side_begin(from, NULL);
	result = error != 0 ? error : in_range(from, count) ? read_into(call, from, pipe, count, no_wait) : -EINVAL;
	error = side_end(call, from, result >= 0);
	pipe_let_go_to(pipe, call->progress > before);
	return error != 0 ? call_result(error) : outcome(call, result);
}

/* What the pipe, which is held, has. */
static int64_t write_from(struct call *call, struct pipe *pipe, struct side *to, uint64_t count)
{
	struct relay *buffer = call->scratch;
	int64_t result = 0;
	uint64_t part;

	do {
		uint64_t at = to->offset, now;
		struct io io;

		part = pipe_look(pipe, 0, buffer->data, (uint32_t)smaller(count - call->progress, buffer->size));
		if (part == 0)
			break;
		io_init_server(&io, call, buffer->data, part);
		result = to->file->ops->write(to->file, &io, to->file->seekable ? &at : NULL);
		now = result == CALL_RESTART ? io.done : result > 0 ? (uint64_t)result : 0;
		pipe_take(pipe, (uint32_t)now);
		to->offset += now;
		call->progress += now;
	} while (result == (int64_t)part);
	return result;
}

static int64_t drain_pipe(struct call *call, struct pipe *pipe, struct side *to, uint64_t count, bool no_wait)
{
	uint64_t before = call->progress;
	int64_t result;
	int error;

	count = smaller(count, IO_MAX);
	if (buffer_of(call, count) == NULL)
		return -ENOMEM;
	result = pipe_hold_from(pipe, call, no_wait || before > 0);
	if (result <= 0)
		return outcome(call, result);
	error = side_begin(to, NULL);
	result = error != 0 ? error : in_range(to, count) ? write_from(call, pipe, to, count) : -EINVAL;
	error = side_end(call, to, result >= 0);
	pipe_let_go_from(pipe, call->progress > before);
	return error != 0 ? call_result(error) : outcome(call, result);
}

/* --- Between pipes. */

/* tee: the bytes stay where they were, too. */
static int64_t pipe_to_pipe(
	struct call *call, struct pipe *from, struct pipe *to, uint64_t count, bool no_wait, bool tee)
{
	struct relay *buffer = buffer_of(call, count);
	int64_t have, result;
	uint32_t done = 0;

	if (buffer == NULL)
		return -ENOMEM;
	count = smaller(count, IO_MAX);
	have = pipe_hold_from(from, call, no_wait);
	if (have < 0)
		return have;
	result = pipe_hold_to(to, call, no_wait || have == 0);
	while (have > 0 && result > 0 && done < count) {
		uint32_t part = (uint32_t)smaller(smaller(count - done, buffer->size), pipe_room(to));

		part = pipe_look(from, tee ? done : 0, buffer->data, part);
		if (part == 0)
			break;
		pipe_put(to, buffer->data, part);
		if (!tee)
			pipe_take(from, part);
		done += part;
	}
	if (result > 0)
		pipe_let_go_to(to, done > 0);
	if (have > 0)
		pipe_let_go_from(from, done > 0 && !tee);
	return result > 0 || (have == 0 && result != -EPIPE) ? (int64_t)done : result;
}

/* --- The calls. */

/* The files stay until it is over. */
static void hold_both(struct side *from, struct side *to)
{
	file_reference(from->file);
	file_reference(to->file);
}

static int64_t let_go_both(struct side *from, struct side *to, int64_t result)
{
	file_release(from->file);
	file_release(to->file);
	return result;
}

int64_t sys_sendfile(uint64_t caller, int to_fd, int from_fd, uint64_t offset_address, uint64_t count)
{
	struct call *call = call_of(caller);
	struct side to = {.file = fd_file(call, to_fd)};
	struct side from = {.file = fd_file(call, from_fd), .address = offset_address};
	int error;

	if (from.file == NULL || !may_read(from.file))
		return -EBADF;
	if (from.address != 0 && !from.file->seekable)
		return -ESPIPE;
	error = side_offset(call, &from);
	if (error != 0)
		return call_result(error);
	if (!in_range(&from, count))
		return -EINVAL;
	if (to.file == NULL || !may_write(to.file))
		return -EBADF;
	to.pipe = pipe_of_file(to.file);
	if ((to.file->flags & O_APPEND && to.pipe == NULL) || !can(from.file, RELAY_FROM) || !can(to.file, RELAY_TO) ||
		!from.file->seekable)
		return -EINVAL;
	if (count == 0)
		return 0;
	hold_both(&from, &to);
	if (to.pipe != NULL)
		return let_go_both(
			&from, &to, fill_pipe(call, &from, to.pipe, count, (to.file->flags & O_NONBLOCK) != 0));
	return let_go_both(&from, &to, relay_sides(call, &from, &to, count, false));
}

int64_t sys_copy_file_range(uint64_t caller, int from_fd, uint64_t from_address, int to_fd, uint64_t to_address,
	uint64_t count, unsigned flags)
{
	struct call *call = call_of(caller);
	struct side to = {.file = fd_file(call, to_fd), .address = to_address};
	struct side from = {.file = fd_file(call, from_fd), .address = from_address};
	unsigned from_type, to_type;
	int error;

	if (to.file == NULL || from.file == NULL)
		return -EBADF;
	error = side_offset(call, &from);
	if (error == 0)
		error = side_offset(call, &to);
	if (error != 0)
		return call_result(error);
	if (flags != 0)
		return -EINVAL;
	from_type = from.file->vnode != NULL ? VNODE_TYPE(from.file->vnode) : S_IFSOCK;
	to_type = to.file->vnode != NULL ? VNODE_TYPE(to.file->vnode) : S_IFSOCK;
	if (from_type == S_IFDIR || to_type == S_IFDIR)
		return -EISDIR;
	if (from_type != S_IFREG || to_type != S_IFREG)
		return -EINVAL;
	if (!may_read(from.file) || !may_write(to.file) || (to.file->flags & O_APPEND))
		return -EBADF;
	if (from.file->vnode->mount != to.file->vnode->mount)
		return -EXDEV;
	if (!can(from.file, RELAY_FROM) || !can(to.file, RELAY_TO) || from.file->ops->read == NULL ||
		to.file->ops->write == NULL)
		return -EINVAL;
	hold_both(&from, &to);
	return let_go_both(&from, &to, relay_sides(call, &from, &to, count, true));
}

/* The bytes' way, when all that does not depend on it has been checked. */
static int64_t move_bytes(struct call *call, struct side *from, struct side *to, uint64_t count, unsigned flags)
{
	bool no_wait = (flags & SPLICE_F_NONBLOCK) || (from->pipe != NULL && (from->file->flags & O_NONBLOCK)) ||
		       (to->pipe != NULL && (to->file->flags & O_NONBLOCK));

	if (from->pipe != NULL && to->pipe != NULL)
		return from->pipe == to->pipe ? -EINVAL
					      : pipe_to_pipe(call, from->pipe, to->pipe, count, no_wait, false);
	if (from->pipe != NULL) {
		if ((to->address != 0 && !to->file->seekable) || (to->file->flags & O_APPEND) ||
			!can(to->file, RELAY_TO) || !in_range(to, count))
			return -EINVAL;
		return drain_pipe(call, from->pipe, to, count, no_wait);
	}
	if (to->pipe == NULL || (from->address != 0 && !from->file->seekable) || !can(from->file, RELAY_FROM) ||
		!in_range(from, count))
		return -EINVAL;
	return fill_pipe(call, from, to->pipe, count, no_wait);
}

int64_t sys_splice(uint64_t caller, int from_fd, uint64_t from_address, int to_fd, uint64_t to_address, uint64_t count,
	unsigned flags)
{
	struct call *call = call_of(caller);
	struct side to = {.file = fd_file(call, to_fd), .address = to_address};
	struct side from = {.file = fd_file(call, from_fd), .address = from_address};
	int error;

	if (count == 0)
		return 0;
	if (flags & ~SPLICE_FLAGS)
		return -EINVAL;
	if (from.file == NULL || to.file == NULL)
		return -EBADF;
	from.pipe = pipe_of_file(from.file);
	to.pipe = pipe_of_file(to.file);
	if ((from.pipe != NULL && from_address != 0) || (to.pipe != NULL && to_address != 0))
		return -ESPIPE;
	error = side_offset(call, &to);
	if (error == 0)
		error = side_offset(call, &from);
	if (error != 0)
		return call_result(error);
	if (!may_read(from.file) || !may_write(to.file))
		return -EBADF;
	hold_both(&from, &to);
	return let_go_both(&from, &to, move_bytes(call, &from, &to, count, flags));
}

int64_t sys_tee(uint64_t caller, int from_fd, int to_fd, uint64_t count, unsigned flags)
{
	struct call *call = call_of(caller);
	struct side from = {.file = fd_file(call, from_fd)}, to = {.file = fd_file(call, to_fd)};

	if (flags & ~SPLICE_FLAGS)
		return -EINVAL;
	if (count == 0)
		return 0;
	if (from.file == NULL || to.file == NULL || !may_read(from.file) || !may_write(to.file))
		return -EBADF;
	from.pipe = pipe_of_file(from.file);
	to.pipe = pipe_of_file(to.file);
	if (from.pipe == NULL || to.pipe == NULL || from.pipe == to.pipe)
		return -EINVAL;
	return pipe_to_pipe(call, from.pipe, to.pipe, count,
		(flags & SPLICE_F_NONBLOCK) || ((from.file->flags | to.file->flags) & O_NONBLOCK), true);
}

/* From the caller's memory into the pipe, which is held, as much as it has room for; or, out, the other way. */
static int64_t move_memory(struct relay *buffer, struct io *io, struct pipe *pipe, bool out)
{
	int error = 0;

	while (error == 0 && io->done < io->total) {
		uint32_t part = (uint32_t)smaller(io->total - io->done, buffer->size);

		part = out ? pipe_look(pipe, 0, buffer->data, part) : (uint32_t)smaller(part, pipe_room(pipe));
		if (part == 0)
			break;
		error = out ? io_copy_out(io, buffer->data, part) : io_copy_in(io, buffer->data, part);
		if (error == 0 && out)
			pipe_take(pipe, part);
		else if (error == 0)
			pipe_put(pipe, buffer->data, part);
	}
	return io->done > 0 ? (int64_t)io->done : call_result(error);
}

int64_t sys_vmsplice(uint64_t caller, int fd, uint64_t vector, uint64_t count, unsigned flags)
{
	struct call *call = call_of(caller);
	struct file *file = fd_file(call, fd);
	struct io_segment few[IO_SEGMENTS_FEW];
	struct io io = {.call = call};
	struct pipe *pipe;
	int64_t result;
	bool out;

	if (flags & ~SPLICE_FLAGS)
		return -EINVAL;
	if (file == NULL)
		return -EBADF;
	pipe = pipe_of_file(file);
	out = !may_write(file);
	result = call_result(io_vector(&io, few, vector, count));
	if (result == 0 && io.total > 0) {
		struct relay *buffer = buffer_of(call, io.total);

		result = pipe == NULL     ? -EBADF
			 : buffer == NULL ? -ENOMEM
			 : out            ? pipe_hold_from(pipe, call, (flags & SPLICE_F_NONBLOCK) != 0)
					  : pipe_hold_to(pipe, call, (flags & SPLICE_F_NONBLOCK) != 0);
		if (result > 0) {
			result = move_memory(buffer, &io, pipe, out);
			if (out)
				pipe_let_go_from(pipe, io.done > 0);
			else
				pipe_let_go_to(pipe, io.done > 0);
		}
	}
	io_vector_end(&io, few);
	return result;
}
