/* epoll: sets of files that remember which of them have become ready. */
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "base/user.h"
#include "file/file.h"
#include "file/poll.h"
#include "process/proc.h"
#include "unix_server.h"

#define EVENTS_MAX   1024
#define EPOLL_ALWAYS (EPOLLERR | EPOLLHUP)

struct epoll {
	struct list items;
	struct list ready;         /* items that may be ready: all that are, and some that have been */
	struct wait_queue queue;   /* polls of the set */
	struct wait_queue waiting; /* epoll_wait */
};

/* One file in one set. Forgotten when the file goes: it holds no reference. */
struct epoll_item {
	struct list link;      /* of the set */
	struct list ready;     /* of the set, or none */
	struct list file_link; /* of the file */
	struct epoll *epoll;
	struct file *file;
	int fd;
	struct epoll_event event;
	bool disarmed; /* EPOLLONESHOT has fired */
	struct waiter waiter[2];
	unsigned waiters;
};

/* The item is to be looked at. */
static void item_note(struct epoll_item *item)
{
	struct epoll *epoll = item->epoll;

	if (list_empty(&item->ready))
		list_append(&epoll->ready, &item->ready);
	wait_queue_wake(&epoll->queue, POLLIN);
	wait_queue_wake_one(&epoll->waiting);
}

/* All events that may change what the item tells. */
static unsigned asked_for(const struct epoll_item *item)
{
	unsigned asked = item->event.events | EPOLLERR | EPOLLHUP;

	if (asked & (EPOLLRDNORM | EPOLLRDBAND | EPOLLRDHUP))
		asked |= EPOLLIN;
	if (asked & (EPOLLWRNORM | EPOLLWRBAND))
		asked |= EPOLLOUT;
	return asked;
}

static void item_wake(struct waiter *waiter, unsigned events)
{
	/* The call field carries the item: the waiter is no call's. */
	struct epoll_item *item = (struct epoll_item *)(void *)waiter->call;

	/* An edge of what it is not asked about is none. */
	if (!item->disarmed && (events == 0 || (events & asked_for(item)) != 0))
		item_note(item);
}

static void item_free(struct epoll_item *item)
{
	unsigned i;

	for (i = 0; i < item->waiters; i++)
		list_remove(&item->waiter[i].link);
	list_remove(&item->link);
	list_remove(&item->ready);
	list_remove(&item->file_link);
	user_uncharge(user_of_memory(item), USER_WATCHES, 1);
	user_free(item);
}

void epoll_file_gone(struct file *file)
{
	while (!list_empty(&file->epoll_items))
		item_free(list_entry(file->epoll_items.next, struct epoll_item, file_link));
}

static unsigned item_ready(const struct epoll_item *item)
{
	return item->disarmed ? 0 : file_poll(item->file) & (item->event.events | EPOLL_ALWAYS) & 0xffffu;
}

static unsigned epoll_file_poll(struct file *file)
{
	struct epoll *epoll = file->data;

	while (!list_empty(&epoll->ready)) {
		struct epoll_item *item = list_entry(epoll->ready.next, struct epoll_item, ready);

		if (item_ready(item) != 0)
			return POLLIN | POLLRDNORM;
		list_remove(&item->ready);
	}
	return 0;
}

static unsigned epoll_file_queues(struct file *file, struct wait_queue *queues[2])
{
	queues[0] = &((struct epoll *)file->data)->queue;
	return 1;
}

static void epoll_file_release(struct file *file)
{
	struct epoll *epoll = file->data;

	while (!list_empty(&epoll->items))
		item_free(list_entry(epoll->items.next, struct epoll_item, link));
	wait_queue_destroy(&epoll->queue);
	wait_queue_destroy(&epoll->waiting);
	user_free(epoll);
}

static const struct file_ops epoll_ops = {
	.poll = epoll_file_poll,
	.poll_queues = epoll_file_queues,
	.release = epoll_file_release,
};

int64_t sys_epoll_create1(uint64_t caller, unsigned flags)
{
	struct epoll *epoll;

	if (flags & ~(unsigned)EPOLL_CLOEXEC)
		return -EINVAL;
	epoll = user_alloc(user_now(), sizeof *epoll);
	if (epoll == NULL)
		return -ENOMEM;
	list_init(&epoll->items);
	list_init(&epoll->ready);
	wait_queue_init(&epoll->queue);
	wait_queue_init(&epoll->waiting);
	return fd_install_anonymous(call_of(caller), &epoll_ops, O_RDWR, epoll, (flags & EPOLL_CLOEXEC) != 0);
}

int64_t sys_epoll_create(uint64_t caller, int size)
{
	return size <= 0 ? -EINVAL : sys_epoll_create1(caller, 0);
}

static int64_t add(struct epoll *epoll, struct file *file, int fd, const struct epoll_event *event)
{
	struct user *user = user_now();
	struct epoll_item *item;
	struct wait_queue *queues[2];
	unsigned i;

	if (!user_charge(user, USER_WATCHES, 1, user_settings.watches))
		return -ENOSPC;
	item = user_alloc(user, sizeof *item);
	if (item == NULL) {
		user_uncharge(user, USER_WATCHES, 1);
		return -ENOMEM;
	}
	item->epoll = epoll;
	item->file = file;
	item->fd = fd;
	item->event = *event;
	item->waiters = file->ops->poll_queues == NULL ? 0 : file->ops->poll_queues(file, queues);
	for (i = 0; i < item->waiters; i++) {
		item->waiter[i].wake = item_wake;
		item->waiter[i].call = (struct call *)(void *)item;
		item->waiter[i].queue = queues[i];
		list_append(&queues[i]->waiters, &item->waiter[i].link);
	}
	list_append(&epoll->items, &item->link);
	list_append(&file->epoll_items, &item->file_link);
	list_init(&item->ready);
	item_note(item);
	return 0;
}

int64_t sys_epoll_ctl(uint64_t caller, int fd, int operation, int target, uint64_t address)
{
	struct call *call = call_of(caller);
	struct file *set = fd_file(call, fd), *file = fd_file(call, target);
	struct epoll_item *item = NULL;
	struct epoll_event event;
	struct epoll *epoll;
	int error;

	if (set == NULL || file == NULL)
		return -EBADF;
	/* Sets of sets could form circles of wake-ups. */
	if (set->ops != &epoll_ops || file->ops == &epoll_ops)
		return -EINVAL;
	if (file->ops->poll == NULL)
		return -EPERM;
	if (operation != EPOLL_CTL_DEL) {
		error = copy_in(call, &event, address, sizeof event);
		if (error != 0)
			return call_result(error);
	}
	epoll = set->data;
	/* A file is in few sets. */
	list_for_each (link, &file->epoll_items) {
		struct epoll_item *candidate = list_entry(link, struct epoll_item, file_link);

		if (candidate->epoll == epoll && candidate->fd == target)
			item = candidate;
	}
	switch (operation) {
	case EPOLL_CTL_ADD:
		return item != NULL ? -EEXIST : add(epoll, file, target, &event);
	case EPOLL_CTL_MOD:
		if (item == NULL)
			return -ENOENT;
		item->event = event;
		item->disarmed = false;
		item_note(item);
		return 0;
	case EPOLL_CTL_DEL:
		if (item == NULL)
			return -ENOENT;
		item_free(item);
		return 0;
	default:
		return -EINVAL;
	}
}

/* The first so many of those that are ready have been told of: those that stay come behind the others. */
static void reported(struct epoll *epoll, int64_t count)
{
	while (count-- > 0) {
		struct epoll_item *item = list_entry(epoll->ready.next, struct epoll_item, ready);

		list_remove(&item->ready);
		if (item->event.events & EPOLLONESHOT)
			item->disarmed = true;
		else if (!(item->event.events & EPOLLET))
			list_append(&epoll->ready, &item->ready);
	}
}

static int64_t wait(struct call *call, int fd, uint64_t address, int count)
{
	struct file *set = fd_file(call, fd);
	struct epoll_event *events;
	struct epoll *epoll;
	int64_t found = 0;
	int error;

	if (set == NULL)
		return -EBADF;
	if (set->ops != &epoll_ops || count <= 0)
		return -EINVAL;
	if (count > EVENTS_MAX)
		count = EVENTS_MAX;
	epoll = set->data;
	call_take_choice(call);
	events = calloc((size_t)count, sizeof *events);
	if (events == NULL) {
		wait_queue_wake_one(&epoll->waiting);
		return -ENOMEM;
	}
	list_for_each_safe (link, &epoll->ready) {
		struct epoll_item *item = list_entry(link, struct epoll_item, ready);
		unsigned ready = item_ready(item);

		if (found == count)
			break;
		if (ready == 0) {
			list_remove(&item->ready);
			continue;
		}
		events[found].events = ready;
		events[found++].data = item->event.data;
	}
	error = copy_out(call, address, events, (size_t)found * sizeof *events);
	free(events);
	if (error == 0 && found > 0)
		reported(epoll, found);
	if (!list_empty(&epoll->ready))
		wait_queue_wake_one(&epoll->waiting);
	if (error != 0)
		return call_result(error);
	if (found > 0)
		return found;
	call->no_restart = true;
	return call->timed_out ? 0 : call_wait_for(call, &epoll->waiting);
}

int64_t sys_epoll_pwait(
	uint64_t caller, int fd, uint64_t events, int count, int timeout, uint64_t mask, uint64_t set_size)
{
	struct call *call = call_of(caller);
	int error = temporary_mask(call, mask, set_size);

	if (error != 0)
		return call_result(error);
	if (timeout == 0)
		call->timed_out = true;
	else if (timeout > 0)
		call_set_deadline(call, clock_monotonic() + (uint64_t)timeout * 1000000ull);
	return wait(call, fd, events, count);
}

int64_t sys_epoll_pwait2(
	uint64_t caller, int fd, uint64_t events, int count, uint64_t timeout, uint64_t mask, uint64_t set_size)
{
	struct call *call = call_of(caller);
	int error = deadline_from_timespec(call, timeout);

	if (error == 0)
		error = temporary_mask(call, mask, set_size);
	return error != 0 ? call_result(error) : wait(call, fd, events, count);
}

int64_t sys_epoll_wait(uint64_t caller, int fd, uint64_t events, int count, int timeout)
{
	return sys_epoll_pwait(caller, fd, events, count, timeout, 0, 0);
}
