/* unshare and setns: what a process stops sharing. There are no namespaces: as on a Linux that was built without them.
 */
#include <errno.h>
#include <sched.h>

#include "file/file.h"
#include "memory/mm.h"
#include "process/proc.h"
#include "unix_server.h"
#include "vfs/vfs.h"

#define NAMESPACES                                                                                                     \
	(uint64_t)(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP |         \
		   CLONE_NEWUSER | CLONE_NEWTIME)
#define OF_ONE_THREAD (uint64_t)(CLONE_THREAD | CLONE_SIGHAND | CLONE_VM)

static int unshare_files(struct process *process)
{
	struct file_table *old = process->files, *copy;

	if (old->references == 1)
		return 0;
	copy = file_table_copy(old);
	if (copy == NULL)
		return -ENOMEM;
	lock_take(&process->lock, ORDER_PROCESS);
	process->files = copy;
	copy->shared = process->thread_count > 1;
	lock_give(&process->lock, ORDER_PROCESS);
	old->references--;
	return 0;
}

int64_t sys_unshare(uint64_t caller, uint64_t flags)
{
	struct process *process = call_of(caller)->process;
	struct fs_context *copy = NULL;
	int error;

	if (flags & ~(NAMESPACES | OF_ONE_THREAD | CLONE_FS | CLONE_FILES | CLONE_SYSVSEM))
		return -EINVAL;
	if (flags & OF_ONE_THREAD &&
		(process->thread_count > 1 || (flags & CLONE_VM && process->memory->references > 1)))
		return -EINVAL;
	/* A namespace of users would give its maker the right to make the others. */
	if (flags & CLONE_NEWUSER)
		return -EINVAL;
	if (flags & NAMESPACES)
		return capable(process, CAP_SYS_ADMIN) ? -EINVAL : -EPERM;
	if (flags & CLONE_FS && process->fs->references > 1) {
		copy = fs_context_copy(process->fs);
		if (copy == NULL)
			return -ENOMEM;
	}
	error = flags & CLONE_FILES ? unshare_files(process) : 0;
	if (error != 0) {
		fs_context_release(copy);
		return error;
	}
	if (copy != NULL) {
		process->fs->references--;
		process->fs = copy;
	}
	return 0;
}

int64_t sys_setns(uint64_t caller, int fd, int kind)
{
	(void)kind;
	return fd_file(call_of(caller), fd) == NULL ? -EBADF : -EINVAL;
}
