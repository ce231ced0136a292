/* Messages of POSIX queues: mq_timedsend, mq_timedreceive, mq_notify, mq_getsetattr, and reading and polling a queue.
 */
#include "ipc/mqueue.h"

#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/user.h"
#include "file/file.h"
#include "ipc/sysv.h"
#include "process/proc.h"
#include "unix_server.h"

#define SECOND     1000000000ull
#define PRIORITIES 32768u /* MQ_PRIO_MAX */

/* A call that waits for room, or for a message; whoever makes room or brings one does all that it wants (sysv.h). */
struct sleeper {
	struct sysv_sleeper sysv; /* first */
	const struct process *process;
	struct mq_message *message; /* that it sends; that it got */
};

/* --- The messages: a heap whose first is the next to come. */

static bool before(const struct mq_message *one, const struct mq_message *other)
{
	return one->priority != other->priority ? one->priority > other->priority : one->number < other->number;
}

static void put(struct mq *queue, struct mq_message *message)
{
	uint64_t at = queue->count++;

	message->number = queue->numbers++;
	for (; at > 0 && before(message, queue->heap[(at - 1) / 2]); at = (at - 1) / 2)
		queue->heap[at] = queue->heap[(at - 1) / 2];
	queue->heap[at] = message;
	queue->bytes += message->size;
}

static struct mq_message *take(struct mq *queue)
{
	struct mq_message *first = queue->heap[0], *last = queue->heap[--queue->count];
	uint64_t at = 0, below;

	while ((below = 2 * at + 1) < queue->count) {
		if (below + 1 < queue->count && before(queue->heap[below + 1], queue->heap[below]))
			below++;
		if (before(last, queue->heap[below]))
			break;
		queue->heap[at] = queue->heap[below];
		at = below;
	}
	queue->heap[at] = last;
	queue->bytes -= first->size;
	return first;
}

/* --- Notices. */

static struct process *notice_owner(const struct mq *queue)
{
	struct process *process = queue->notice.owner != 0 ? process_find(queue->notice.owner) : NULL;

	return process != NULL && process->serial == queue->notice.owner_serial && !process->exiting ? process : NULL;
}

bool mq_has_notice(const struct mq *queue)
{
	return notice_owner(queue) != NULL;
}

void mq_forget_notice(struct mq *queue, const struct process *process)
{
	if (queue->notice.owner == process->id)
		queue->notice.owner = 0;
}

/* An empty queue has got a message that nobody waited for. */
static void notify(struct mq *queue, const struct process *sender)
{
	struct process *owner = notice_owner(queue);
	const struct mq_notice notice = queue->notice;
	struct signal_info info = {
		.code = SI_MESGQ, .pid = sender->id, .uid = sender->credentials.uid, .value = notice.value};

	queue->notice.owner = 0;
	if (owner != NULL && notice.kind == SIGEV_SIGNAL && notice.signal != 0)
		signal_process(owner, notice.signal, &info);
}

/* --- Sending and receiving. */

static struct sleeper *first_asleep(struct list *list)
{
	list_for_each (link, list) {
		struct sleeper *sleeper = list_entry(link, struct sleeper, sysv.link);

		if (sysv_is_asleep(&sleeper->sysv))
			return sleeper;
	}
	return NULL;
}

/* Brings a message: to who waits for one, else into the queue, which has room. */
static void bring(struct mq *queue, struct mq_message *message, const struct process *sender)
{
	struct sleeper *receiver = first_asleep(&queue->receivers);

	queue->modified = queue->changed = (int64_t)clock_realtime();
	if (receiver != NULL) {
		receiver->message = message;
		sysv_wake(&receiver->sysv, 0);
		return;
	}
	put(queue, message);
	wait_queue_wake(&queue->queue, POLLIN | POLLRDNORM);
	if (queue->count == 1)
		notify(queue, sender);
}

/* There is room for one more. */
static void let_sender(struct mq *queue)
{
	struct sleeper *sender = first_asleep(&queue->senders);

	queue->accessed = queue->changed = (int64_t)clock_realtime();
	if (sender != NULL) {
		put(queue, sender->message);
		sender->message = NULL;
		sysv_wake(&sender->sysv, 0);
	} else {
		wait_queue_wake(&queue->queue, POLLOUT | POLLWRNORM);
	}
}

static void sleeper_end(struct call *call)
{
	struct sleeper *sleeper = call->scratch;

	if (sleeper != NULL)
		user_free(sleeper->message);
	sysv_sleeper_end(call);
}

/* The call waits on the list with its message, which is consumed. */
static int64_t go_to_sleep(struct call *call, struct list *list, struct mq_message *message)
{
	struct sleeper *sleeper = user_alloc(call->process->user, sizeof *sleeper);

	if (sleeper == NULL) {
		user_free(message);
		return -ENOMEM;
	}
	sleeper->process = call->process;
	sleeper->message = message;
	sysv_sleep(call, &sleeper->sysv, sleeper_end);
	call->no_restart = false;
	list_append(list, &sleeper->sysv.link);
	return call_wait(call);
}

/* The deadline from a time of the real clock; address 0: none. 0 or -errno. */
static int deadline_of(struct call *call, uint64_t address)
{
	const uint64_t real = clock_realtime(), now = clock_monotonic();
	struct timespec time;
	uint64_t end;
	int error;

	if (address == 0)
		return 0;
	error = copy_in(call, &time, address, sizeof time);
	if (error != 0)
		return error;
	if (time.tv_sec < 0 || time.tv_nsec < 0 || time.tv_nsec >= (long)SECOND)
		return -EINVAL;
	if ((uint64_t)time.tv_sec > UINT32_MAX * 4ull)
		return 0;
	end = (uint64_t)time.tv_sec * SECOND + (uint64_t)time.tv_nsec;
	if (end <= real)
		call->timed_out = true;
	call_set_deadline(call, end <= real ? now : now + (end - real));
	return 0;
}

static const struct file_ops mq_ops;

/* The queue behind a descriptor, borrowed; null: none, or it may not be used so. */
static struct mq *mq_of_fd(struct call *call, int fd, unsigned not_mode, struct file **file)
{
	*file = fd_file(call, fd);
	return *file == NULL || (*file)->ops != &mq_ops || ((*file)->flags & O_ACCMODE) == not_mode ? NULL
												    : (*file)->data;
}

/* What a sleeping call comes to when it runs again: its result, or it goes on sleeping. */
static int64_t slept(struct call *call, const struct sleeper *sleeper)
{
	return sleeper->sysv.woken ? sleeper->sysv.result : call->timed_out ? -ETIMEDOUT : call_wait(call);
}

int64_t sys_mq_timedsend(uint64_t caller, int fd, uint64_t from, uint64_t size, unsigned priority, uint64_t timeout)
{
	struct call *call = call_of(caller);
	struct mq_message *message;
	struct file *file;
	struct mq *queue;
	int error;

	if (call->scratch != NULL)
		return slept(call, call->scratch);
	error = deadline_of(call, timeout);
	if (error != 0)
		return call_result(error);
	if (priority >= PRIORITIES)
		return -EINVAL;
	queue = mq_of_fd(call, fd, O_RDONLY, &file);
	if (queue == NULL)
		return -EBADF;
	if (size > queue->size_most)
		return -EMSGSIZE;
	message = user_alloc(queue->user, sizeof *message + size);
	if (message == NULL)
		return -ENOMEM;
	message->priority = priority;
	message->size = size;
	error = copy_in(call, message->data, from, size);
	if (error == 0 && queue->count < queue->most) {
		bring(queue, message, call->process);
		return 0;
	}
	if (error == 0 && !(file->flags & O_NONBLOCK) && !call->timed_out)
		return go_to_sleep(call, &queue->senders, message);
	user_free(message);
	return error != 0 ? call_result(error) : file->flags & O_NONBLOCK ? -EAGAIN : -ETIMEDOUT;
}

/* What the call returns that has the message. */
static int64_t message_out(struct call *call, uint64_t to, uint64_t priority_to, const struct mq_message *message)
{
	const unsigned priority = (unsigned)message->priority;
	int error = copy_out(call, to, message->data, message->size);

	if (error == 0 && priority_to != 0)
		error = copy_out(call, priority_to, &priority, sizeof priority);
	return error != 0 ? call_result(error) : (int64_t)message->size;
}

int64_t sys_mq_timedreceive(uint64_t caller, int fd, uint64_t to, uint64_t size, uint64_t priority, uint64_t timeout)
{
	struct call *call = call_of(caller);
	struct sleeper *sleeper = call->scratch;
	struct file *file;
	struct mq *queue;
	int64_t result;
	int error;

	if (sleeper != NULL && sleeper->message != NULL)
		return message_out(call, to, priority, sleeper->message);
	if (sleeper != NULL)
		return slept(call, sleeper);
	error = deadline_of(call, timeout);
	if (error != 0)
		return call_result(error);
	queue = mq_of_fd(call, fd, O_WRONLY, &file);
	if (queue == NULL)
		return -EBADF;
	if (size < queue->size_most)
		return -EMSGSIZE;
	if (queue->count == 0) {
		if (file->flags & O_NONBLOCK || call->timed_out)
			return file->flags & O_NONBLOCK ? -EAGAIN : -ETIMEDOUT;
		return go_to_sleep(call, &queue->receivers, NULL);
	}
	result = message_out(call, to, priority, queue->heap[0]);
	if (result >= 0 || result == -EFAULT) {
		user_free(take(queue));
		let_sender(queue);
	}
	return result;
}

int64_t sys_mq_notify(uint64_t caller, int fd, uint64_t address)
{
	struct call *call = call_of(caller);
	struct sigevent event = {0};
	struct file *file;
	struct mq *queue;
	int error = address == 0 ? 0 : copy_in(call, &event, address, sizeof event);

	if (error != 0)
		return call_result(error);
	if (address != 0 && event.sigev_notify != SIGEV_NONE && event.sigev_notify != SIGEV_SIGNAL)
		return event.sigev_notify == SIGEV_THREAD ? -ENOSYS : -EINVAL;
	if (event.sigev_notify == SIGEV_SIGNAL && (event.sigev_signo < 0 || event.sigev_signo > SIGNALS))
		return -EINVAL;
	queue = mq_of_fd(call, fd, O_ACCMODE, &file);
	if (queue == NULL)
		return -EBADF;
	if (address == 0) {
		mq_forget_notice(queue, call->process);
		return 0;
	}
	if (mq_has_notice(queue))
		return -EBUSY;
	queue->notice = (struct mq_notice){.kind = event.sigev_notify,
		.signal = event.sigev_signo,
		.value = (uint64_t)(uintptr_t)event.sigev_value.sival_ptr,
		.owner = call->process->id,
		.owner_serial = call->process->serial};
	return 0;
}

int64_t sys_mq_getsetattr(uint64_t caller, int fd, uint64_t new_address, uint64_t old_address)
{
	struct call *call = call_of(caller);
	struct mq_attr new = {0}, old = {0};
	struct file *file;
	struct mq *queue;
	int error = new_address == 0 ? 0 : copy_in(call, &new, new_address, sizeof new);

	if (error != 0)
		return call_result(error);
	if (new.mq_flags & ~(long)O_NONBLOCK)
		return -EINVAL;
	queue = mq_of_fd(call, fd, O_ACCMODE, &file);
	if (queue == NULL)
		return -EBADF;
	old.mq_flags = (long)(file->flags & O_NONBLOCK);
	old.mq_maxmsg = (long)queue->most;
	old.mq_msgsize = (long)queue->size_most;
	old.mq_curmsgs = (long)queue->count;
	error = old_address == 0 ? 0 : copy_out(call, old_address, &old, sizeof old);
	if (error == 0 && new_address != 0)
		file->flags = (file->flags & ~(unsigned)O_NONBLOCK) | (unsigned)new.mq_flags;
	return call_result(error);
}

/* --- The file. */

static int64_t mq_read(struct file *file, struct io *io, uint64_t *offset)
{
	const struct mq *queue = file->data;
	const bool told = mq_has_notice(queue);
	char text[96];
	int length = snprintf(text, sizeof text, "QSIZE:%-10llu NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n",
		(unsigned long long)queue->bytes, told ? queue->notice.kind : 0,
		told && queue->notice.kind == SIGEV_SIGNAL ? queue->notice.signal : 0, told ? queue->notice.owner : 0);
	uint64_t part;
	int error;

	if (*offset >= (uint64_t)length)
		return 0;
	part = (uint64_t)length - *offset;
	part = part < io->total - io->done ? part : io->total - io->done;
	error = io_copy_out(io, text + *offset, part);
	return error != 0 ? call_result(error) : (int64_t)io->done;
}

static int64_t mq_seek(struct file *file, int64_t offset, int whence)
{
	if (whence == SEEK_CUR)
		offset += (int64_t)file->position;
	if ((whence != SEEK_SET && whence != SEEK_CUR) || offset < 0)
		return -EINVAL;
	file->position = (uint64_t)offset;
	return offset;
}

static unsigned mq_poll(struct file *file)
{
	const struct mq *queue = file->data;

	return (queue->count > 0 ? POLLIN | POLLRDNORM : 0u) | (queue->count < queue->most ? POLLOUT | POLLWRNORM : 0u);
}

static unsigned mq_queues(struct file *file, struct wait_queue *queues[2])
{
	queues[0] = &((struct mq *)file->data)->queue;
	return 1;
}

/* Who closes any descriptor of it is told no more (mq_close(3)). */
static void mq_closed(struct file *file)
{
	if (current_call != NULL)
		mq_forget_notice(file->data, current_call->process);
	file_release(file);
}

static const struct file_ops mq_ops = {
	.read = mq_read,
	.seek = mq_seek,
	.poll = mq_poll,
	.poll_queues = mq_queues,
	.closed = mq_closed,
};

int mq_open_file(struct call *call, struct vnode *vnode, struct file *file)
{
	(void)call;
	file->ops = &mq_ops;
	file->data = vnode;
	file->seekable = true;
	return 0;
}
