/* Leases on files: who has one hears of it, and is waited for, before others open the file (fcntl(2), "Leases"). */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>

#include "base/user.h"
#include "file/owner.h"
#include "process/proc.h"
#include "vfs/vfs_internal.h"

#define BREAK_TIME_NS 45000000000ull /* until it is taken: lease-break-time of proc(5) */

/* Of an open file, on its vnode's list. */
struct lease {
	struct list link;
	struct file *file;
	int type;          /* F_RDLCK or F_WRLCK, */
	int wanted;        /* and what it is to be: the same, or who opens the file waits until `taken` */
	uint64_t taken_at; /* ns, monotonic */
	int fd;
};

static struct lease *find(const struct file *file)
{
	list_for_each (link, &file->vnode->leases) {
		struct lease *lease = list_entry(link, struct lease, link);

		if (lease->file == file)
			return lease;
	}
	return NULL;
}

static void end(struct lease *lease)
{
	struct vnode *vnode = lease->file->vnode;

	list_remove(&lease->link);
	user_free(lease);
	wait_queue_wake(&vnode->lock_queue, 0);
}

void vnode_lease_end(const struct file *file)
{
	struct lease *lease = find(file);

	if (lease != NULL)
		end(lease);
}

/* 0, or why the file's opener can have no such lease now. */
static int check(const struct file *file, int type)
{
	const struct vnode *vnode = file->vnode;

	if (type == F_RDLCK)
		return vnode->writers > 0 ? -EAGAIN : 0;
	return vnode->opened > 1 ? -EAGAIN : 0;
}

int64_t vnode_lease_control(struct call *call, struct file *file, int fd, int command, uint64_t argument)
{
	struct vnode *vnode = file->vnode;
	file_attributes_t attributes;
	struct lease *lease;
	int error;

	if (vnode == NULL)
		return command == F_GETLEASE ? F_UNLCK : -EINVAL;
	lease = find(file);
	if (command == F_GETLEASE)
		return lease == NULL ? F_UNLCK : lease->wanted;
	error = vnode_known(vnode, &attributes);
	if (error != 0)
		return call_result(error);
	if (attributes.uid != call->process->credentials.fsuid && !capable(call->process, CAP_LEASE))
		return -EACCES;
	if (VNODE_TYPE(vnode) != S_IFREG || (argument != F_RDLCK && argument != F_WRLCK && argument != F_UNLCK))
		return -EINVAL;
	if (argument == F_UNLCK) {
		if (lease == NULL)
			return -EAGAIN;
		end(lease);
		return 0;
	}
	error = check(file, (int)argument);
	/* One that is to be given up is not taken anew. */
	if (error == 0 && lease != NULL && lease->wanted != lease->type && (int)argument != lease->wanted)
		error = -EAGAIN;
	if (error == 0)
		error = file_owner_default(call, file);
	if (error != 0)
		return error;
	if (lease == NULL) {
		lease = user_alloc(user_now(), sizeof *lease);
		if (lease == NULL)
			return -ENOMEM;
		lease->file = file;
		lease->fd = fd;
		list_append(&vnode->leases, &lease->link);
	}
	lease->type = lease->wanted = (int)argument;
	wait_queue_wake(&vnode->lock_queue, 0);
	return 0;
}

int vnode_lease_break(struct call *call, struct vnode *vnode, bool write, bool wait)
{
	const int left = write ? F_UNLCK : F_RDLCK;

	list_for_each_safe (link, &vnode->leases) {
		struct lease *lease = list_entry(link, struct lease, link);

		if (lease->type == F_RDLCK && !write)
			continue;
		if (lease->wanted == lease->type) {
			lease->taken_at = clock_monotonic() + BREAK_TIME_NS;
			file_owner_tell(lease->file, lease->fd, POLL_MSG);
		}
		if (lease->wanted == lease->type || left == F_UNLCK)
			lease->wanted = left;
		if (clock_monotonic() >= lease->taken_at) {
			if (left == F_UNLCK)
				end(lease);
			else
				lease->type = lease->wanted = left;
			continue;
		}
		if (!wait)
			return -EAGAIN;
		call_set_deadline(call, lease->taken_at);
		call_wait_for(call, &vnode->lock_queue);
		return CALL_ERROR_RESTART;
	}
	return 0;
}
