/* Watches, and the queues of events of those who made them. */
#include "file/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "base/table.h"
#include "base/user.h"
#include "call/call.h"
#include "file/file.h"
#include "file/vnode.h"
#include "process/proc.h"

/* inotify(7), /proc/sys/fs/inotify */
#define QUEUE_MAX     16384
#define NOTIFIERS_MAX 128
#define WATCHES_MAX   65536

#define KINDS (IN_ALL_EVENTS | IN_UNMOUNT)

/* One who watches: an open file of its own. */
struct notifier {
	struct table watches; /* by number */
	int last;             /* number given */
	struct list events;
	unsigned count; /* of them */
	uint64_t bytes; /* that reading all takes */
	bool overflowed;
	struct wait_queue queue; /* polls */
	struct wait_queue reading;
};

struct watch {
	struct table_link link; /* of the notifier's */
	struct list of_vnode, of_all;
	struct notifier *notifier;
	struct vnode *vnode; /* reference */
	uint32_t mask;
	int number;
};

struct event {
	struct list link;
	struct inotify_event head; /* len: the name's with its padding */
	char name[];
};

uint32_t notify_wanted;
static unsigned wanting[32]; /* watches, by the bits of their masks */
static struct list all = LIST_INITIALIZER(all);

static void want(uint32_t mask, unsigned more)
{
	for (unsigned bit = 0; bit < 32; bit++) {
		if (!(mask & KINDS & 1u << bit))
			continue;
		wanting[bit] += more;
		__atomic_store_n(&notify_wanted,
			wanting[bit] > 0 ? notify_wanted | 1u << bit : notify_wanted & ~(1u << bit), __ATOMIC_RELAXED);
	}
}

/* --- Events. */

static bool is_same(const struct event *event, int number, uint32_t kind, uint32_t cookie, const char *name)
{
	return event->head.wd == number && event->head.mask == kind && event->head.cookie == cookie &&
	       strcmp(event->head.len > 0 ? event->name : "", name) == 0;
}

static void queue_event(struct notifier *notifier, int number, uint32_t kind, uint32_t cookie, const char *name)
{
	const size_t unit = sizeof(struct inotify_event);
	const size_t length = *name != 0 ? (strlen(name) + unit) / unit * unit : 0;
	struct event *event = NULL;

	/* What has just been said need not be said again. */
	if (!list_empty(&notifier->events) &&
		is_same(list_entry(notifier->events.prev, struct event, link), number, kind, cookie, name))
		return;
	if (notifier->count < QUEUE_MAX)
		event = user_alloc(user_of_memory(notifier), sizeof *event + length);
	if (event == NULL) {
		notifier->overflowed = true;
	} else {
		event->head = (struct inotify_event){
			.wd = number, .mask = kind, .cookie = cookie, .len = (uint32_t)length};
		memcpy(event->name, name, length > 0 ? strlen(name) : 0);
		list_append(&notifier->events, &event->link);
		notifier->count++;
		notifier->bytes += unit + length;
	}
	wait_queue_wake(&notifier->queue, POLLIN);
	wait_queue_wake_one(&notifier->reading);
}

/* Ends it; its user hears of that. */
static void watch_end(struct watch *watch)
{
	struct vnode *vnode = watch->vnode;

	want(watch->mask, -1u);
	table_remove(&watch->notifier->watches, &watch->link);
	list_remove(&watch->of_vnode);
	list_remove(&watch->of_all);
	user_uncharge(user_of_memory(watch), USER_NOTIFY, 1);
	user_free(watch);
	vnode->watchers--;
	vnode_release(vnode);
}

static void watch_ignored(struct watch *watch)
{
	queue_event(watch->notifier, watch->number, IN_IGNORED, 0, "");
	watch_end(watch);
}

static bool has_names(struct vnode *vnode)
{
	file_attributes_t attributes;

	return vnode_known(vnode, &attributes) != 0 || attributes.links != 0;
}

/* To the watches of one vnode. child: what it is about, when that is an entry of it, or null. */
static void tell(struct vnode *vnode, struct vnode *child, const char *name, uint32_t kind, uint32_t cookie)
{
	struct list *link, *next;

	for (link = vnode->watches.next; link != &vnode->watches; link = next) {
		struct watch *watch = list_entry(link, struct watch, of_vnode);

		next = link->next;
		if (!(watch->mask & kind & KINDS) ||
			(child != NULL && watch->mask & IN_EXCL_UNLINK && !has_names(child)))
			continue;
		queue_event(watch->notifier, watch->number, kind, cookie, name);
		if (watch->mask & IN_ONESHOT)
			watch_ignored(watch);
	}
}

static uint32_t with_type(const struct vnode *vnode, uint32_t kind)
{
	return VNODE_TYPE(vnode) == S_IFDIR && !(kind & (IN_DELETE_SELF | IN_MOVE_SELF)) ? kind | IN_ISDIR : kind;
}

void notify_event_self(struct vnode *vnode, uint32_t kind)
{
	if (vnode->watchers == 0)
		return;
	vnode_reference(vnode);
	tell(vnode, NULL, "", with_type(vnode, kind), 0);
	vnode_release(vnode);
}

void notify_event(struct vnode *vnode, uint32_t kind)
{
	struct vnode *parent = vnode->parent;

	if (parent != NULL && parent->watchers != 0 && vnode->name != NULL) {
		vnode_reference(parent);
		tell(parent, vnode, vnode->name, with_type(vnode, kind), 0);
		vnode_release(parent);
	}
	notify_event_self(vnode, kind);
}

void notify_event_entry(struct vnode *directory, const char *name, bool is_directory, uint32_t kind, uint32_t cookie)
{
	if (directory->watchers == 0)
		return;
	vnode_reference(directory);
	tell(directory, NULL, name, is_directory ? kind | IN_ISDIR : kind, cookie);
	vnode_release(directory);
}

uint32_t notify_cookie(void)
{
	static uint32_t last;

	return ++last;
}

/* Ends all watches of a vnode after an event of this kind, which every watch gets that can. */
static void end_all(struct vnode *vnode, uint32_t kind)
{
	vnode_reference(vnode);
	while (!list_empty(&vnode->watches)) {
		struct watch *watch = list_entry(vnode->watches.next, struct watch, of_vnode);

		if (watch->mask & kind || kind == IN_UNMOUNT)
			queue_event(watch->notifier, watch->number, kind, 0, "");
		watch_ignored(watch);
	}
	vnode_release(vnode);
}

void notify_unused(struct vnode *vnode)
{
	if (!has_names(vnode))
		end_all(vnode, IN_DELETE_SELF);
}

void notify_unmount(const struct mount *mount)
{
	struct list *link = all.next;

	/* Any number of watches goes with one: from the beginning again. */
	while (link != &all) {
		struct vnode *vnode = list_entry(link, struct watch, of_all)->vnode;

		link = link->next;
		if (vnode->mount == mount) {
			end_all(vnode, IN_UNMOUNT);
			link = all.next;
		}
	}
}

/* --- The file. */

/* As many events as fit; what does not reach the caller's memory is not taken. */
static int64_t notifier_read(struct file *file, struct io *io, uint64_t *offset)
{
	static const struct inotify_event overflow = {.wd = -1, .mask = IN_Q_OVERFLOW};
	struct notifier *notifier = file->data;
	int error = 0;

	(void)offset;
	call_take_choice(io->call);
	if (list_empty(&notifier->events) && !notifier->overflowed)
		return file->flags & O_NONBLOCK ? -EAGAIN : call_wait_for(io->call, &notifier->reading);
	while (error == 0 && !list_empty(&notifier->events)) {
		struct event *event = list_entry(notifier->events.next, struct event, link);
		const uint64_t size = sizeof event->head + event->head.len;

		if (size > io->total - io->done) {
			error = -EINVAL;
			break;
		}
		error = io_copy_out(io, &event->head, size);
		if (error != 0)
			break;
		list_remove(&event->link);
		notifier->count--;
		notifier->bytes -= size;
		user_free(event);
	}
	/* What was lost came after all that is kept. */
	if (error == 0 && notifier->overflowed) {
		error = sizeof overflow > io->total - io->done ? -EINVAL : io_copy_out(io, &overflow, sizeof overflow);
		notifier->overflowed = error != 0;
	}
	if (!list_empty(&notifier->events) || notifier->overflowed)
		wait_queue_wake_one(&notifier->reading);
	return io->done > 0 ? (int64_t)io->done : call_result(error);
}

/* Of no effect, as on Linux. */
static int64_t notifier_seek(struct file *file, int64_t offset, int whence)
{
	(void)file, (void)offset, (void)whence;
	return 0;
}

static unsigned notifier_poll(struct file *file)
{
	const struct notifier *notifier = file->data;

	return !list_empty(&notifier->events) || notifier->overflowed ? POLLIN | POLLRDNORM : 0u;
}

static unsigned notifier_queues(struct file *file, struct wait_queue *queues[2])
{
	queues[0] = &((struct notifier *)file->data)->queue;
	return 1;
}

static int64_t notifier_ioctl(struct call *call, struct file *file, uint64_t request, uint64_t argument)
{
	const struct notifier *notifier = file->data;
	const int bytes = (int)(notifier->bytes + (notifier->overflowed ? sizeof(struct inotify_event) : 0));

	return request == FIONREAD ? call_result(copy_out(call, argument, &bytes, sizeof bytes)) : -ENOTTY;
}

static void notifier_release(struct file *file)
{
	struct notifier *notifier = file->data;

	/* There are fewer buckets when there are few watches. */
	for (uint64_t i = 0; notifier->watches.count > 0;) {
		struct table_link *first = notifier->watches.bucket[i & notifier->watches.mask];

		if (first != NULL)
			watch_end(table_entry(first, struct watch, link));
		else
			i++;
	}
	while (!list_empty(&notifier->events)) {
		struct event *event = list_entry(notifier->events.next, struct event, link);

		list_remove(&event->link);
		user_free(event);
	}
	table_end(&notifier->watches);
	wait_queue_destroy(&notifier->queue);
	wait_queue_destroy(&notifier->reading);
	user_uncharge(user_of_memory(notifier), USER_NOTIFIERS, 1);
	user_free(notifier);
}

const struct file_ops notifier_ops = {
	.read = notifier_read,
	.seek = notifier_seek,
	.poll = notifier_poll,
	.poll_queues = notifier_queues,
	.ioctl = notifier_ioctl,
	.release = notifier_release,
};

void *notifier_create(int *error)
{
	struct user *user = user_now();
	struct notifier *notifier;

	*error = -EMFILE;
	if (!user_charge(user, USER_NOTIFIERS, 1, NOTIFIERS_MAX))
		return NULL;
	*error = -ENOMEM;
	notifier = user_alloc(user, sizeof *notifier);
	if (notifier == NULL) {
		user_uncharge(user, USER_NOTIFIERS, 1);
		return NULL;
	}
	notifier->watches = (struct table)TABLE_INITIALIZER(notifier->watches);
	list_init(&notifier->events);
	wait_queue_init(&notifier->queue);
	wait_queue_init(&notifier->reading);
	return notifier;
}

static struct watch *watch_of(const struct notifier *notifier, struct vnode *vnode)
{
	struct list *link;

	for (link = vnode->watches.next; link != &vnode->watches; link = link->next)
		if (list_entry(link, struct watch, of_vnode)->notifier == notifier)
			return list_entry(link, struct watch, of_vnode);
	return NULL;
}

int notifier_add(struct file *file, struct vnode *vnode, uint32_t mask)
{
	const uint32_t kept = mask & (IN_ALL_EVENTS | IN_ONESHOT | IN_EXCL_UNLINK);
	struct notifier *notifier = file->data;
	struct watch *watch = watch_of(notifier, vnode);
	struct user *user = user_of_memory(notifier);

	if (watch != NULL && mask & IN_MASK_CREATE)
		return -EEXIST;
	if (watch != NULL) {
		want(watch->mask, -1u);
		watch->mask = mask & IN_MASK_ADD ? watch->mask | kept : kept;
		want(watch->mask, 1);
		return watch->number;
	}
	if (!user_charge(user, USER_NOTIFY, 1, WATCHES_MAX))
		return -ENOSPC;
	watch = user_alloc(user, sizeof *watch);
	if (watch == NULL) {
		user_uncharge(user, USER_NOTIFY, 1);
		return -ENOMEM;
	}
	/* Numbers are not given again before all others were. */
	do
		notifier->last = notifier->last == INT32_MAX ? 1 : notifier->last + 1;
	while (table_find(&notifier->watches, (uint64_t)notifier->last) != NULL);
	watch->number = notifier->last;
	watch->notifier = notifier;
	watch->mask = kept;
	watch->vnode = vnode_reference(vnode);
	vnode->watchers++;
	table_add(&notifier->watches, &watch->link, (uint64_t)watch->number);
	list_append(&vnode->watches, &watch->of_vnode);
	list_append(&all, &watch->of_all);
	want(kept, 1);
	return watch->number;
}

int notifier_remove(struct file *file, int number)
{
	struct notifier *notifier = file->data;
	struct table_link *link = number > 0 ? table_find(&notifier->watches, (uint64_t)number) : NULL;

	if (link == NULL)
		return -EINVAL;
	watch_ignored(table_entry(link, struct watch, link));
	return 0;
}
