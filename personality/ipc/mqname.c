/* Names of POSIX message queues: mq_open, mq_unlink. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mqueue.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/user.h"
#include "file/file.h"
#include "ipc/mqueue.h"
#include "process/proc.h"
#include "unix_server.h"
#include "vfs/vfs.h"

/* What root may have, too (mq_overview(7)). */
#define MESSAGES_MOST     65536u
#define MESSAGE_SIZE_MOST 16777216u
/* What a message and a priority count beside the bytes (getrlimit(2), RLIMIT_MSGQUEUE: of Linux on x86-64). */
#define MESSAGE_COST  48u
#define PRIORITY_COST 48u
#define PRIORITIES    32768u /* MQ_PRIO_MAX */

struct mq_limits mq_limits = {
	.messages = 10, .message_size = 8192, .queues = 256, .messages_usual = 10, .message_size_usual = 8192};

static struct table names = TABLE_INITIALIZER(names);
/* The tree that they are in, which is mounted nowhere. */
static struct mount mount = {.type = "mqueue", .source = "mqueue", .device = 0x100000};
static uint64_t inodes;

static uint64_t hash(const char *name)
{
	uint64_t value = 14695981039346656037ull; /* FNV-1a */

	while (*name != 0)
		value = (value ^ (unsigned char)*name++) * 1099511628211ull;
	return value;
}

struct mq *mq_find(const char *name)
{
	const uint64_t key = hash(name);

	for (struct table_link *link = table_find(&names, key); link != NULL; link = link->next) {
		struct mq *queue = table_entry(link, struct mq, by_name);

		if (link->key == key && strcmp(queue->name, name) == 0)
			return queue;
	}
	return NULL;
}

/* --- The vnode. */

static struct mq *mq_of(struct vnode *vnode)
{
	return (struct mq *)(void *)vnode;
}

static int attributes(struct vnode *vnode, file_attributes_t *out)
{
	const struct mq *queue = mq_of(vnode);

	memset(out, 0, sizeof *out);
	out->inode = vnode->inode;
	out->mode = vnode->mode;
	out->links = queue->name != NULL ? 1 : 0;
	out->uid = queue->uid;
	out->gid = queue->gid;
	out->size = 80; /* of the text that a read gives (mq_overview(7)), as Linux has it */
	out->block_size = 4096;
	out->access_time = queue->accessed;
	out->modify_time = queue->modified;
	out->change_time = queue->changed;
	return 0;
}

static int set_attributes(struct vnode *vnode, unsigned which, const file_attributes_t *values)
{
	struct mq *queue = mq_of(vnode);

	if (which & FILE_SET_SIZE)
		return -EINVAL;
	if (which & FILE_SET_MODE)
		vnode->mode = S_IFREG | ((unsigned)values->mode & 07777);
	if (which & FILE_SET_UID)
		queue->uid = (uint32_t)values->uid;
	if (which & FILE_SET_GID)
		queue->gid = (uint32_t)values->gid;
	if (which & FILE_SET_ACCESS_TIME)
		queue->accessed = values->access_time;
	if (which & FILE_SET_MODIFY_TIME)
		queue->modified = values->modify_time;
	queue->changed = (int64_t)clock_realtime();
	return 0;
}

static void end(struct vnode *vnode)
{
	struct mq *queue = mq_of(vnode);

	while (queue->count > 0)
		user_free(queue->heap[--queue->count]);
	wait_queue_destroy(&queue->queue);
	user_free(queue->heap);
	user_uncharge(queue->user, USER_QUEUE_BYTES, queue->charged);
	user_release(queue->user);
	user_free(queue);
}

static const struct vnode_ops mq_vnode_ops = {
	.get_attributes = attributes, .set_attributes = set_attributes, .open = mq_open_file, .release = end};

/* --- Making. */

/* The name goes, and the reference that it is. */
static void forget_name(struct mq *queue)
{
	table_remove(&names, &queue->by_name);
	user_free(queue->name);
	queue->name = NULL;
	queue->changed = (int64_t)clock_realtime();
	vnode_release(&queue->vnode);
}

int mq_make(struct call *call, const char *name, unsigned mode, uint64_t most, uint64_t size_most, struct mq **out)
{
	struct process *process = call->process;
	const uint64_t limit = process->limit[RLIMIT_MSGQUEUE].rlim_cur;
	const uint64_t charged =
		most * (MESSAGE_COST + size_most) + (most < PRIORITIES ? most : PRIORITIES) * PRIORITY_COST;
	struct mq *queue;

	if (names.count >= mq_limits.queues && !capable(process, CAP_SYS_RESOURCE))
		return -ENOSPC;
	if (!user_charge(process->user, USER_QUEUE_BYTES, charged, limit))
		return -EMFILE;
	queue = user_alloc(process->user, sizeof *queue);
	if (queue != NULL) {
		queue->name = user_alloc(process->user, strlen(name) + 1);
		queue->heap = user_alloc(process->user, most * sizeof queue->heap[0]);
	}
	if (queue == NULL || queue->name == NULL || queue->heap == NULL) {
		if (queue != NULL) {
			user_free(queue->name);
			user_free(queue->heap);
		}
		user_free(queue);
		user_uncharge(process->user, USER_QUEUE_BYTES, charged);
		return -ENOMEM;
	}
	vnode_init(&queue->vnode, &mq_vnode_ops, &mount, S_IFREG | mode, ++inodes);
	strcpy(queue->name, name);
	queue->uid = process->credentials.fsuid;
	queue->gid = process->credentials.fsgid;
	queue->accessed = queue->modified = queue->changed = (int64_t)clock_realtime();
	queue->user = user_reference(process->user);
	queue->charged = charged;
	queue->most = most;
	queue->size_most = size_most;
	list_init(&queue->senders);
	list_init(&queue->receivers);
	wait_queue_init(&queue->queue);
	vnode_set_place(&queue->vnode, NULL, name);
	table_add(&names, &queue->by_name, hash(name));
	vnode_reference(&queue->vnode); /* the name's */
	*out = queue;
	return 0;
}

/* --- Calls. The C library leaves out the slash before the name. */

static int copy_name(struct call *call, char name[NAME_MAX + 1], uint64_t from)
{
	int length = copy_string(call, name, from, NAME_MAX + 1);

	if (length < 0)
		return length;
	if (length == 0)
		return -ENOENT;
	return strchr(name, '/') != NULL || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ? -EACCES : 0;
}

static int check_sizes(const struct process *process, const struct mq_attr *attributes)
{
	const bool any = capable(process, CAP_SYS_RESOURCE);

	return attributes->mq_maxmsg <= 0 || attributes->mq_msgsize <= 0 ||
			       (uint64_t)attributes->mq_maxmsg > (any ? MESSAGES_MOST : mq_limits.messages) ||
			       (uint64_t)attributes->mq_msgsize > (any ? MESSAGE_SIZE_MOST : mq_limits.message_size)
		       ? -EINVAL
		       : 0;
}

static uint64_t least(uint64_t one, uint64_t other)
{
	return one < other ? one : other;
}

int64_t sys_mq_open(uint64_t caller, uint64_t name_address, int flags, unsigned mode, uint64_t attributes_address)
{
	struct call *call = call_of(caller);
	struct mq_attr attributes = {.mq_maxmsg = (long)least(mq_limits.messages, mq_limits.messages_usual),
		.mq_msgsize = (long)least(mq_limits.message_size, mq_limits.message_size_usual)};
	const bool sized = (flags & O_CREAT) && attributes_address != 0;
	char name[NAME_MAX + 1];
	struct file *file = NULL;
	struct mq *queue;
	int error = sized ? copy_in(call, &attributes, attributes_address, sizeof attributes) : 0;

	if (error == 0)
		error = copy_name(call, name, name_address);
	if (error == 0)
		error = fd_room(call);
	if (error != 0)
		return call_result(error);
	queue = mq_find(name);
	if (queue != NULL) {
		if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
			return -EEXIST;
		if ((flags & O_ACCMODE) == O_ACCMODE)
			return -EINVAL;
		vnode_reference(&queue->vnode);
		error = vnode_open(call, &queue->vnode, (unsigned)flags & (O_ACCMODE | O_NONBLOCK), &file);
	} else {
		if (!(flags & O_CREAT))
			return -ENOENT;
		error = sized ? check_sizes(call->process, &attributes) : 0;
		if (error == 0)
			error = mq_make(call, name, mode & 07777 & ~call->process->fs->umask,
				(uint64_t)attributes.mq_maxmsg, (uint64_t)attributes.mq_msgsize, &queue);
		if (error != 0)
			return error;
		/* Who makes it may use it, whatever its mode says. */
		file = file_create(
			NULL, (unsigned)flags & (O_ACCMODE | O_NONBLOCK), vnode_reference(&queue->vnode), NULL);
		error = file == NULL ? -ENOMEM : mq_open_file(call, &queue->vnode, file);
		if (error != 0)
			forget_name(queue);
	}
	vnode_release(&queue->vnode);
	return error != 0 ? call_result(error) : fd_install(call, file, true);
}

int64_t sys_mq_unlink(uint64_t caller, uint64_t name_address)
{
	struct call *call = call_of(caller);
	char name[NAME_MAX + 1];
	struct mq *queue;
	int error = copy_name(call, name, name_address);

	if (error != 0)
		return call_result(error);
	queue = mq_find(name);
	if (queue == NULL)
		return -ENOENT;
	/* Their folder is everybody's, and sticky. */
	if (call->process->credentials.fsuid != queue->uid && !capable(call->process, CAP_FOWNER))
		return -EPERM;
	forget_name(queue);
	return 0;
}
