/* Pipes and FIFOs. */
#include "ipc/pipe.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/lock.h"
#include "base/user.h"
#include "call/dispatch.h"
#include "file/file.h"
#include "process/proc.h"
#include "unix_server.h"
#include "vfs/vfs.h"

#define PIPE_SIZE_SAID (1u << 31) /* more than this is no size */
#define PIPE_PAGE   4096u
#define PIPE_ATOMIC 4096u /* PIPE_BUF: writes up to this are not mixed with others */
#define HELD_FROM   1u    /* its bytes are on their way elsewhere: they leave it when they are there */
#define HELD_TO     2u    /* its room is for what is on its way here */

/*
 * A read of bytes that are there, and a write for which there is room, need the pipe's lock alone. Who finds nothing
 * and waits, or looks whether there is something, has the server's lock, under which it first says so (`watched`, with
 * the pipe's lock) and then enters a queue. Who changes the pipe without the server's lock and finds it watched takes
 * that lock afterwards and wakes (moved): so it comes after the one that waits has entered the queue.
 */
struct pipe {
	struct user *user; /* who made it: a reference; null: the server itself */
	uint32_t counted;  /* pages in the user's count */
	struct lock lock; /* ORDER_PIPE: of what follows up to `queue`; changed by others than bytes: with the server's,
			     too */
	char *buffer;     /* null while it is empty and nothing was written lately: see drained */
	uint32_t size, start, used;
	bool watched;
	bool kept;    /* among the empty ones that keep their buffer */
	uint8_t held; /* HELD_*: by a call that moves bytes between files; others wait. With the server's lock, too */
	unsigned readers, writers;
	unsigned expected[2]; /* FIFO: opens of the reading, the writing side that are about to run again */
	bool had_writer;
	struct wait_queue queue;            /* opens, polls: any change */
	struct wait_queue reading, writing; /* calls that wait for bytes, for room: one is woken for what there is */
};

struct pipe_owner {
	uint32_t uid, gid;
	int64_t time;
};

static void own(struct pipe *pipe)
{
	lock_take(&pipe->lock, ORDER_PIPE);
}

static void disown(struct pipe *pipe)
{
	lock_give(&pipe->lock, ORDER_PIPE);
}

/* Those that keep their buffers while they are empty, in the order in which they came here; when more come, the first
 * loses its. */
#define EMPTY_KEPT 4
static struct pipe *empty[EMPTY_KEPT];

static void forget_empty(const struct pipe *pipe)
{
	unsigned i;

	for (i = 0; i < EMPTY_KEPT; i++) {
		if (empty[i] == pipe)
			empty[i] = NULL;
	}
}

/* It has been empty for longer than others. */
static void lose_buffer(struct pipe *oldest)
{
	char *buffer = NULL;

	own(oldest);
	oldest->kept = false;
	/* Or it has been written to since, or is about to be. */
	if (oldest->used == 0 && oldest->held == 0) {
		buffer = oldest->buffer;
		oldest->buffer = NULL;
	}
	disown(oldest);
	user_free(buffer);
}

/* An empty pipe needs no buffer; a few keep theirs, for the next write is likely to be soon. */
static void drained(struct pipe *pipe)
{
	struct pipe *oldest = empty[0];
	unsigned i;

	if (pipe->kept)
		return;
	for (i = 0; i < EMPTY_KEPT && empty[i] != NULL; i++)
		;
	if (i == EMPTY_KEPT) {
		lose_buffer(oldest);
		i = 0;
	}
	for (; i + 1 < EMPTY_KEPT; i++)
		empty[i] = empty[i + 1];
	empty[EMPTY_KEPT - 1] = pipe;
	own(pipe);
	pipe->kept = true;
	disown(pipe);
}

static bool limited(const struct user *user)
{
	return user != NULL && user->uid != 0;
}

/* Counts the pipe's pages for its user, fewer than wanted beyond the soft limit. False: beyond the hard one. */
static bool count_pages(struct pipe *pipe)
{
	uint64_t soft = user_settings.pipe_pages_soft, hard = user_settings.pipe_pages_hard;
	uint32_t pages = pipe->size / PIPE_PAGE;

	if (pipe->user == NULL)
		return true;
	if (limited(pipe->user) && soft != 0 && pipe->user->count[USER_PIPE_PAGES] + pages > soft)
		pages = 1;
	if (!user_charge(pipe->user, USER_PIPE_PAGES, pages, limited(pipe->user) && hard != 0 ? hard : USER_NO_LIMIT))
		return false;
	pipe->counted = pages;
	pipe->size = pages * PIPE_PAGE;
	return true;
}

static void pipe_free(struct pipe *pipe)
{
	struct user *user = pipe->user;

	forget_empty(pipe);
	wait_queue_destroy(&pipe->queue);
	wait_queue_destroy(&pipe->reading);
	wait_queue_destroy(&pipe->writing);
	user_free(pipe->buffer);
	if (user != NULL)
		user_uncharge(user, USER_PIPE_PAGES, pipe->counted);
	user_free(pipe);
	user_release(user);
}

/* Its pages counted for the user who makes it. Null: no memory, or too many (/proc/sys/fs/pipe-user-pages-*). */
static struct pipe *pipe_create(void)
{
	struct pipe *pipe = user_alloc(user_now(), sizeof *pipe);

	if (pipe == NULL)
		return NULL;
	pipe->user = user_now() != NULL ? user_reference(user_now()) : NULL;
	pipe->size = PIPE_SIZE_DEFAULT;
	wait_queue_init(&pipe->queue);
	wait_queue_init(&pipe->reading);
	wait_queue_init(&pipe->writing);
	if (count_pages(pipe))
		return pipe;
	pipe_free(pipe);
	return NULL;
}

/* An end has come or gone: all look again. */
static void ends_changed(struct pipe *pipe, unsigned events)
{
	wait_queue_wake(&pipe->queue, events);
	wait_queue_wake(&pipe->reading, events);
	wait_queue_wake(&pipe->writing, events);
}

static void pipe_add_end(struct pipe *pipe, bool write)
{
	own(pipe);
	if (write) {
		pipe->writers++;
		pipe->had_writer = true;
	} else {
		pipe->readers++;
	}
	disown(pipe);
	ends_changed(pipe, 0);
}

static bool in_use(const struct pipe *pipe)
{
	return pipe->readers + pipe->writers + pipe->expected[0] + pipe->expected[1] > 0;
}

static bool pipe_drop_end(struct pipe *pipe, bool write)
{
	own(pipe);
	if (write)
		pipe->writers--;
	else
		pipe->readers--;
	disown(pipe);
	ends_changed(pipe, write ? POLLHUP | POLLIN : POLLERR | POLLOUT);
	return in_use(pipe);
}

/* How many bytes there are; who looks may wait for more or fewer. */
static uint32_t watch(struct pipe *pipe)
{
	uint32_t used;

	lock_order_has(ORDER_SERVER);
	own(pipe);
	pipe->watched = true;
	used = pipe->used;
	disown(pipe);
	return used;
}

static unsigned pipe_poll_read(struct pipe *pipe)
{
	return (watch(pipe) > 0 ? POLLIN | POLLRDNORM : 0u) | (pipe->writers == 0 && pipe->had_writer ? POLLHUP : 0u);
}

static unsigned pipe_poll_write(struct pipe *pipe)
{
	if (pipe->readers == 0)
		return POLLERR | POLLOUT | POLLWRNORM;
	return pipe->size - watch(pipe) >= PIPE_ATOMIC ? POLLOUT | POLLWRNORM : 0u;
}

static uint64_t pipe_used(struct pipe *pipe)
{
	return watch(pipe);
}

static struct wait_queue *pipe_queue(struct pipe *pipe)
{
	watch(pipe);
	return &pipe->queue;
}

static bool is_waited_for(const struct pipe *pipe)
{
	return !list_empty(&pipe->reading.chosen) || !list_empty(&pipe->reading.waiters) ||
	       !list_empty(&pipe->queue.waiters) || !list_empty(&pipe->writing.waiters) ||
	       !list_empty(&pipe->writing.chosen);
}

/* With the server's lock, after bytes came (POLLIN) or went (POLLOUT), which left `used`: wakes who waits for that. */
static void moved(struct pipe *pipe, unsigned events, uint32_t used)
{
	lock_order_has(ORDER_SERVER);
	wait_queue_wake(&pipe->queue, events);
	if (used > 0)
		wait_queue_wake_one(&pipe->reading);
	if (used < pipe->size)
		wait_queue_wake_one(&pipe->writing);
	if (used == 0)
		drained(pipe);
}

/*
 * The same after a change without the server's lock. Others may have changed it since: they find it watched still, and
 * come here, too.
 */
static __attribute__((noinline)) void moved_unlocked(struct pipe *pipe, unsigned events, uint32_t used)
{
	server_lock();
	moved(pipe, events, used);
	if (!is_waited_for(pipe)) {
		own(pipe);
		pipe->watched = false;
		disown(pipe);
	}
	server_leave();
}

/* Atomic for who looks without any lock whether it is worth to come (read_unlocked). */
static void set_used(struct pipe *pipe, uint32_t used)
{
	__atomic_store_n(&pipe->used, used, __ATOMIC_RELAXED);
}

/* With the pipe's lock: bytes to the caller, which leave the pipe only when they have reached him. An error of copying.
 */
static int take_bytes(struct pipe *pipe, struct io *io)
{
	while (pipe->used > 0 && io->done < io->total) {
		uint64_t part = pipe->size - pipe->start;
		int error;

		if (part > pipe->used)
			part = pipe->used;
		if (part > io->total - io->done)
			part = io->total - io->done;
		error = io_copy_out(io, pipe->buffer + pipe->start, part);
		if (error != 0)
			return error;
		pipe->start = (pipe->start + (uint32_t)part) % pipe->size;
		set_used(pipe, pipe->used - (uint32_t)part);
	}
	return 0;
}

/* The same, from the caller, as many as there is room for. */
static int put_bytes(struct pipe *pipe, struct io *io)
{
	while (pipe->used < pipe->size && io->done < io->total) {
		uint64_t end = (pipe->start + pipe->used) % pipe->size, part = pipe->size - pipe->used;
		int error;

		if (part > pipe->size - end)
			part = pipe->size - end;
		if (part > io->total - io->done)
			part = io->total - io->done;
		error = io_copy_in(io, pipe->buffer + end, part);
		if (error != 0)
			return error;
		set_used(pipe, pipe->used + (uint32_t)part);
	}
	return 0;
}

static bool has_reader(const struct pipe *pipe)
{
	return pipe->readers != 0 || pipe->expected[0] != 0;
}

static bool has_writer(const struct pipe *pipe)
{
	return pipe->writers != 0 || pipe->expected[1] != 0;
}

/* A read of nothing, or of an empty or held pipe, which is watched: 0, -EAGAIN, or it waits. */
static int64_t read_nothing(struct pipe *pipe, struct io *io, bool no_wait)
{
	if (io->total == 0 || (!(pipe->held & HELD_FROM) && !has_writer(pipe)))
		return 0;
	return no_wait ? -EAGAIN : call_wait_for(io->call, &pipe->reading);
}

/* Takes the pipe's lock, unless there is nothing to read: then it is watched. */
static bool own_bytes(struct pipe *pipe, struct io *io)
{
	lock_order_has(ORDER_SERVER);
	call_take_choice(io->call);
	own(pipe);
	if (io->total != 0 && pipe->used != 0 && !(pipe->held & HELD_FROM))
		return true;
	pipe->watched = true;
	disown(pipe);
	return false;
}

static int64_t pipe_read(struct pipe *pipe, struct io *io, bool no_wait)
{
	uint32_t used;
	int error;

	if (!own_bytes(pipe, io))
		return read_nothing(pipe, io, no_wait);
	error = take_bytes(pipe, io);
	used = pipe->used;
	disown(pipe);
	if (io->done == 0) {
		wait_queue_wake_one(&pipe->reading);
		return call_result(error);
	}
	moved(pipe, POLLOUT, used);
	return (int64_t)io->done;
}

/* Without the server's lock; bytes that are there. */
static int64_t read_unlocked(struct pipe *pipe, struct io *io)
{
	uint32_t used;
	bool look;

	if (__atomic_load_n(&pipe->used, __ATOMIC_RELAXED) == 0)
		return CALL_NEEDS_LOCK;
	own(pipe);
	if (io->total == 0 || pipe->used == 0 || pipe->held != 0 || (take_bytes(pipe, io) != 0 && io->done == 0)) {
		disown(pipe);
		return CALL_NEEDS_LOCK;
	}
	used = pipe->used;
	look = pipe->watched || (used == 0 && !pipe->kept);
	disown(pipe);
	if (look)
		moved_unlocked(pipe, POLLOUT, used);
	return (int64_t)io->done;
}

/* With the pipe's lock and the server's. */
static bool give_buffer(struct pipe *pipe)
{
	if (pipe->buffer == NULL)
		pipe->buffer = user_alloc(pipe->user, pipe->size);
	return pipe->buffer != NULL;
}

/* A write of more than fits goes in piece by piece; call->progress says how much of it is in. */
static int64_t pipe_write(struct pipe *pipe, struct io *io, bool no_wait)
{
	struct call *call = io->call;
	uint64_t left = io->total - io->done, before = io->done;
	uint32_t used;
	bool full;
	int error = 0;

	lock_order_has(ORDER_SERVER);
	call_take_choice(call);
	if (io->total == 0)
		return 0;
	if (!has_reader(pipe)) {
		if (io->done > 0)
			return (int64_t)io->done;
		signal_thread(call->thread, SIGPIPE, NULL);
		return -EPIPE;
	}
	own(pipe);
	if (!give_buffer(pipe)) {
		disown(pipe);
		wait_queue_wake_one(&pipe->writing);
		return -ENOMEM;
	}
	full = (pipe->held & HELD_TO) || (io->total <= PIPE_ATOMIC && pipe->size - pipe->used < left);
	if (!full)
		error = put_bytes(pipe, io);
	if (error == 0 && io->done < io->total)
		pipe->watched = true; /* it may wait below */
	used = pipe->used;
	disown(pipe);
	if (full)
		return no_wait ? -EAGAIN : call_wait_for(call, &pipe->writing);
	if (io->done > before)
		moved(pipe, POLLIN, used);
	else if (error != 0) /* there is room, and he did not use it; without room nobody is woken */
		wait_queue_wake_one(&pipe->writing);
	if (error == CALL_ERROR_RESTART)
		return CALL_RESTART;
	if (error != 0)
		return io->done > 0 ? (int64_t)io->done : error;
	if (io->done == io->total || (no_wait && io->done > 0))
		return (int64_t)io->done;
	if (no_wait)
		return -EAGAIN;
	/* Somebody may have read meanwhile, without the server's lock. */
	return watch(pipe) < pipe->size ? CALL_RESTART : call_wait_for(call, &pipe->writing);
}

/* Without the server's lock; all of it or nothing. */
static int64_t write_unlocked(struct pipe *pipe, struct io *io)
{
	uint32_t used;
	bool look;

	own(pipe);
	if (io->total == 0 || !has_reader(pipe) || pipe->held != 0 || pipe->buffer == NULL ||
		pipe->size - pipe->used < io->total) {
		disown(pipe);
		return CALL_NEEDS_LOCK;
	}
	if (put_bytes(pipe, io) != 0) {
		set_used(pipe, pipe->used - (uint32_t)io->done); /* nobody has seen them */
		disown(pipe);
		return CALL_NEEDS_LOCK;
	}
	used = pipe->used;
	look = pipe->watched;
	disown(pipe);
	if (look)
		moved_unlocked(pipe, POLLIN, used);
	return (int64_t)io->done;
}

/* --- Held, while bytes go between it and another file (transfer.c): nobody else moves any meanwhile. */

static void hold(struct pipe *pipe, unsigned how)
{
	own(pipe);
	pipe->held |= (uint8_t)how;
	disown(pipe);
}

/* Everybody looks again, also who came while it was held. */
static void let_go(struct pipe *pipe, unsigned how, unsigned events)
{
	uint32_t used;

	own(pipe);
	pipe->held &= (uint8_t)~how;
	used = pipe->used;
	disown(pipe);
	if (events != 0)
		moved(pipe, events, used);
	wait_queue_wake_one(&pipe->reading);
	wait_queue_wake_one(&pipe->writing);
}

int64_t pipe_hold_from(struct pipe *pipe, struct call *call, bool no_wait)
{
	call_take_choice(call);
	if (!(pipe->held & HELD_FROM)) {
		if (watch(pipe) > 0) {
			hold(pipe, HELD_FROM);
			return 1;
		}
		if (!has_writer(pipe))
			return 0;
	}
	return no_wait ? -EAGAIN : call_wait_for(call, &pipe->reading);
}

uint32_t pipe_look(struct pipe *pipe, uint32_t from, void *to, uint32_t size)
{
	uint32_t done = 0;

	own(pipe);
	if (from > pipe->used)
		from = pipe->used;
	if (size > pipe->used - from)
		size = pipe->used - from;
	while (done < size) {
		uint32_t at = (pipe->start + from + done) % pipe->size, part = pipe->size - at;

		if (part > size - done)
			part = size - done;
		memcpy((char *)to + done, pipe->buffer + at, part);
		done += part;
	}
	disown(pipe);
	return size;
}

void pipe_take(struct pipe *pipe, uint32_t size)
{
	own(pipe);
	pipe->start = (pipe->start + size) % pipe->size;
	set_used(pipe, pipe->used - size);
	disown(pipe);
}

void pipe_let_go_from(struct pipe *pipe, bool taken)
{
	let_go(pipe, HELD_FROM, taken ? POLLOUT : 0);
}

int64_t pipe_hold_to(struct pipe *pipe, struct call *call, bool no_wait)
{
	bool memory;

	call_take_choice(call);
	if (!has_reader(pipe)) {
		signal_thread(call->thread, SIGPIPE, NULL);
		return -EPIPE;
	}
	if (!(pipe->held & HELD_TO) && watch(pipe) < pipe->size) {
		own(pipe);
		memory = give_buffer(pipe);
		disown(pipe);
		if (!memory) {
			wait_queue_wake_one(&pipe->writing);
			return -ENOMEM;
		}
		hold(pipe, HELD_TO);
		return 1;
	}
	return no_wait ? -EAGAIN : call_wait_for(call, &pipe->writing);
}

uint32_t pipe_room(struct pipe *pipe)
{
	return pipe->size - watch(pipe);
}

void pipe_put(struct pipe *pipe, const void *from, uint32_t size)
{
	uint32_t done = 0;

	own(pipe);
	while (done < size) {
		uint32_t end = (pipe->start + pipe->used) % pipe->size, part = pipe->size - end;

		if (part > size - done)
			part = size - done;
		memcpy(pipe->buffer + end, (const char *)from + done, part);
		set_used(pipe, pipe->used + part);
		done += part;
	}
	disown(pipe);
}

void pipe_let_go_to(struct pipe *pipe, bool put)
{
	let_go(pipe, HELD_TO, put ? POLLIN : 0);
}

/* --- As files. */

static bool writes(const struct file *file)
{
	return (file->flags & O_ACCMODE) != O_RDONLY;
}

static bool reads(const struct file *file)
{
	return (file->flags & O_ACCMODE) != O_WRONLY;
}

static int64_t pipe_file_read(struct file *file, struct io *io, uint64_t *offset)
{
	(void)offset;
	return pipe_read(file->data, io, (file->flags & O_NONBLOCK) != 0);
}

static int64_t pipe_file_read_unlocked(struct file *file, struct io *io, uint64_t *offset)
{
	(void)offset;
	return read_unlocked(file->data, io);
}

static int64_t pipe_file_write_unlocked(struct file *file, struct io *io, uint64_t *offset)
{
	(void)offset;
	return write_unlocked(file->data, io);
}

static int64_t pipe_file_write(struct file *file, struct io *io, uint64_t *offset)
{
	(void)offset;
	return pipe_write(file->data, io, (file->flags & O_NONBLOCK) != 0);
}

static unsigned pipe_file_poll(struct file *file)
{
	return (reads(file) ? pipe_poll_read(file->data) : 0u) | (writes(file) ? pipe_poll_write(file->data) : 0u);
}

static unsigned pipe_file_queues(struct file *file, struct wait_queue *queues[2])
{
	queues[0] = pipe_queue(file->data);
	return 1;
}

static int64_t pipe_file_ioctl(struct call *call, struct file *file, uint64_t request, uint64_t argument)
{
	int count = (int)pipe_used(file->data);

	if (request != FIONREAD)
		return -ENOTTY;
	return call_result(copy_out(call, argument, &count, sizeof count));
}

static void pipe_file_release(struct file *file)
{
	struct pipe *pipe = file->data;
	bool left = true;

	if (reads(file))
		left = pipe_drop_end(pipe, false);
	if (writes(file))
		left = pipe_drop_end(pipe, true);
	if (left)
		return;
	if (file->vnode != NULL)
		file->vnode->pipe = NULL;
	pipe_free(pipe);
}

static const struct file_ops pipe_ops = {
	.read = pipe_file_read,
	.write = pipe_file_write,
	.read_unlocked = pipe_file_read_unlocked,
	.write_unlocked = pipe_file_write_unlocked,
	.poll = pipe_file_poll,
	.poll_queues = pipe_file_queues,
	.relays = RELAY_FROM | RELAY_TO,
	.ioctl = pipe_file_ioctl,
	.release = pipe_file_release,
};

struct pipe *pipe_of_file(const struct file *file)
{
	return file->ops == &pipe_ops ? file->data : NULL;
}

int64_t pipe_size(const struct file *file)
{
	return file->ops == &pipe_ops ? (int64_t)((struct pipe *)file->data)->size : -EBADF;
}

/* Whether so many pages instead of its own would be more than its user may have. */
static bool over(const struct pipe *pipe, uint32_t pages, uint64_t limit)
{
	return limit != 0 && pipe->user->count[USER_PIPE_PAGES] - pipe->counted + pages > limit;
}

int64_t pipe_set_size(struct file *file, uint64_t size)
{
	struct pipe *pipe = file->data;
	char *buffer, *old;
	uint32_t i, pages;

	if (file->ops != &pipe_ops)
		return -EBADF;
	size = (uint32_t)size;
	if (size > PIPE_SIZE_SAID)
		return -EINVAL;
	if (size > PIPE_SIZE_MAX)
		return -EPERM;
	if (size < PIPE_ATOMIC)
		size = PIPE_ATOMIC;
	while (size & (size - 1))
		size += size & -size;
	pages = (uint32_t)size / PIPE_PAGE;
	if (pages > pipe->counted && limited(pipe->user) &&
		(over(pipe, pages, user_settings.pipe_pages_soft) || over(pipe, pages, user_settings.pipe_pages_hard)))
		return -EPERM;
	buffer = user_alloc(pipe->user, size);
	if (buffer == NULL)
		return -ENOMEM;
	own(pipe);
	if (size < pipe->used || pipe->held != 0) {
		disown(pipe);
		user_free(buffer);
		return -EBUSY;
	}
	for (i = 0; i < pipe->used; i++)
		buffer[i] = pipe->buffer[(pipe->start + i) % pipe->size];
	old = pipe->buffer;
	pipe->buffer = buffer;
	pipe->start = 0;
	pipe->size = (uint32_t)size;
	disown(pipe);
	user_free(old);
	if (pipe->user != NULL) {
		user_charge(pipe->user, USER_PIPE_PAGES, pages, USER_NO_LIMIT);
		user_uncharge(pipe->user, USER_PIPE_PAGES, pipe->counted);
		pipe->counted = pages;
	}
	if (pipe->used == 0)
		drained(pipe);
	return (int64_t)size;
}

/* --- Unnamed pipes have vnodes too, in no directory: /proc/PID/fd/N can be opened. */

static struct mount pipe_mount = {.type = "pipefs"};

static int pipe_attributes(struct vnode *vnode, file_attributes_t *out)
{
	const struct pipe_owner *owner = vnode->data;

	memset(out, 0, sizeof *out);
	out->inode = vnode->inode;
	out->mode = vnode->mode;
	out->links = 1;
	out->uid = owner->uid;
	out->gid = owner->gid;
	out->block_size = PIPE_ATOMIC;
	out->access_time = out->modify_time = out->change_time = owner->time;
	return 0;
}

static void pipe_vnode_release(struct vnode *vnode)
{
	user_free(vnode->data);
	user_free(vnode);
}

static const struct vnode_ops pipe_vnode_ops = {.get_attributes = pipe_attributes, .release = pipe_vnode_release};

static struct vnode *pipe_vnode(const struct credentials *who)
{
	struct vnode *vnode = user_alloc(user_now(), sizeof *vnode);
	struct pipe_owner *owner = user_alloc(user_now(), sizeof *owner);
	struct pipe *pipe = pipe_create();

	if (vnode == NULL || owner == NULL || pipe == NULL) {
		user_free(vnode);
		user_free(owner);
		if (pipe != NULL)
			pipe_free(pipe);
		return NULL;
	}
	*owner = (struct pipe_owner){who->fsuid, who->fsgid, (int64_t)clock_realtime()};
	vnode_init(vnode, &pipe_vnode_ops, &pipe_mount, S_IFIFO | 0600, anonymous_inode());
	vnode->data = owner;
	vnode->pipe = pipe;
	return vnode;
}

/*
 * Opening one side of a FIFO waits for an open of the other side. A waiting open has no end yet: it is found on the
 * pipe's queue, marked by call->progress. The open that it waited for counts it as expected, which keeps the pipe (and
 * a writer from EPIPE) until it has run again.
 */
#define OPENING(write) (1ull << 63 | (uint64_t)(write))

static bool opener_waits(struct pipe *pipe, bool write)
{
	list_for_each (link, &pipe->queue.waiters) {
		const struct waiter *waiter = list_entry(link, struct waiter, link);

		if (waiter->call != NULL && waiter->call->progress == OPENING(write))
			return true;
	}
	return false;
}

int fifo_open(struct call *call, struct vnode *vnode, struct file *file)
{
	struct pipe *pipe = vnode->pipe;
	bool write = writes(file), both = write && reads(file);
	unsigned others;

	if (pipe == NULL) {
		pipe = vnode->pipe = pipe_create();
		if (pipe == NULL)
			return -ENFILE;
	}
	others = write ? pipe->readers : pipe->writers;
	if (!both && others == 0 && pipe->expected[write] == 0 && vnode->ops != &pipe_vnode_ops) {
		if (opener_waits(pipe, !write)) {
			pipe->expected[!write]++;
		} else if (!(file->flags & O_NONBLOCK)) {
			call->progress = OPENING(write);
			return call_wait_for(call, &pipe->queue) == CALL_RESTART ? CALL_ERROR_RESTART : -ENOMEM;
		} else if (write) {
			if (!in_use(pipe)) {
				vnode->pipe = NULL;
				pipe_free(pipe);
			}
			return -ENXIO;
		}
	}
	if (pipe->expected[write] > 0)
		pipe->expected[write]--;
	file->ops = &pipe_ops;
	file->data = pipe;
	file->seekable = false;
	if (!write || both)
		pipe_add_end(pipe, false);
	if (write)
		pipe_add_end(pipe, true);
	return 0;
}

int64_t sys_pipe2(uint64_t caller, uint64_t address, int flags)
{
	struct call *call = call_of(caller);
	struct file *file[2] = {NULL, NULL};
	struct vnode *vnode;
	struct pipe *pipe;
	int64_t fd[2];
	unsigned i;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
		return -EINVAL;
	vnode = pipe_vnode(&call->process->credentials);
	if (vnode == NULL)
		return -ENFILE; /* pipe(2): no memory that the user may have */
	pipe = vnode->pipe;
	for (i = 0; i < 2; i++) {
		file[i] = file_create(&pipe_ops, (i == 0 ? O_RDONLY : O_WRONLY) | (unsigned)(flags & O_NONBLOCK),
			vnode_reference(vnode), pipe);
		if (file[i] != NULL)
			pipe_add_end(pipe, i == 1);
	}
	if (file[0] == NULL || file[1] == NULL) {
		/* With the last end the pipe goes. */
		if (file[0] != NULL || file[1] != NULL)
			file_release(file[0] != NULL ? file[0] : file[1]);
		else
			pipe_free(pipe);
		vnode_release(vnode);
		return -ENOMEM;
	}
	file[0]->inode = file[1]->inode = vnode->inode;
	vnode_release(vnode);
	file[0]->kind = file[1]->kind = "pipe";
	fd[0] = fd_install(call, file[0], (flags & O_CLOEXEC) != 0);
	if (fd[0] < 0) {
		file_release(file[1]);
		return fd[0];
	}
	fd[1] = fd_install(call, file[1], (flags & O_CLOEXEC) != 0);
	if (fd[1] < 0) {
		fd_close(call, (int)fd[0]);
		return fd[1];
	}
	return fd_tell_pair(call, address, (int)fd[0], (int)fd[1]);
}

int64_t sys_pipe(uint64_t caller, uint64_t address)
{
	return sys_pipe2(caller, address, 0);
}
