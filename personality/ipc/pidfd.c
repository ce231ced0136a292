/* Descriptors of processes (pidfd_open(2)), and what is asked by them; kcmp. */
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <poll.h>
#include <signal.h>

#include "base/user.h"
#include "file/file.h"
#include "process/proc.h"
#include "signal/deliver.h"
#include "unix_server.h"
#include "vfs/vfs.h"

/* What a description stands for: a process until it is reaped, then nobody. */
struct pidfd {
	struct list link;        /* of process->descriptors */
	struct process *process; /* null: reaped */
	int id;
	struct wait_queue queue;
};

static unsigned pidfd_poll(struct file *file)
{
	const struct process *process = ((struct pidfd *)file->data)->process;

	return process == NULL                    ? POLLIN | POLLRDNORM | POLLHUP
	       : process->state == PROCESS_ZOMBIE ? POLLIN | POLLRDNORM
						  : 0u;
}

static unsigned pidfd_queues(struct file *file, struct wait_queue *queues[2])
{
	queues[0] = &((struct pidfd *)file->data)->queue;
	return 1;
}

static void pidfd_release(struct file *file)
{
	struct pidfd *pidfd = file->data;

	list_remove(&pidfd->link);
	wait_queue_destroy(&pidfd->queue);
	user_free(pidfd);
}

static const struct file_ops pidfd_ops = {.poll = pidfd_poll, .poll_queues = pidfd_queues, .release = pidfd_release};

void pidfds_tell(struct process *process, bool reaped)
{
	list_for_each_safe (link, &process->descriptors) {
		struct pidfd *pidfd = list_entry(link, struct pidfd, link);

		if (reaped) {
			pidfd->process = NULL;
			list_remove(&pidfd->link);
		}
		wait_queue_wake(&pidfd->queue, POLLIN | POLLRDNORM | (reaped ? POLLHUP : 0u));
	}
}

struct process *pidfd_process(struct call *call, int fd, int *error)
{
	const struct file *file = fd_file(call, fd);
	struct process *process = NULL;

	*error = file == NULL || file->ops != &pidfd_ops ? -EBADF : 0;
	if (*error == 0) {
		process = ((struct pidfd *)file->data)->process;
		*error = process == NULL ? -ESRCH : 0;
	}
	return process;
}

bool pidfd_waits(struct call *call, int fd)
{
	const struct file *file = fd_file(call, fd);

	return file != NULL && !(file->flags & O_NONBLOCK);
}

int pidfd_of_file(const struct file *file)
{
	const struct pidfd *pidfd = file->data;

	return file->ops != &pidfd_ops ? 0 : pidfd->process == NULL ? -1 : pidfd->id;
}

int64_t pidfd_make(struct call *call, struct process *process, unsigned flags)
{
	struct pidfd *pidfd = user_alloc(call->process->user, sizeof *pidfd);
	struct file *file;

	if (pidfd == NULL)
		return -ENOMEM;
	pidfd->process = process;
	pidfd->id = process->id;
	wait_queue_init(&pidfd->queue);
	list_append(&process->descriptors, &pidfd->link);
	file = file_create(&pidfd_ops, O_RDWR | flags, NULL, pidfd);
	if (file == NULL) {
		pidfd_release(&(struct file){.data = pidfd});
		return -ENOMEM;
	}
	file->inode = anonymous_inode();
	file->kind = "anon_inode";
	return fd_install(call, file, true);
}

int64_t sys_pidfd_open(uint64_t caller, int pid, unsigned flags)
{
	struct call *call = call_of(caller);
	struct process *process;

	if (flags & ~(unsigned)O_NONBLOCK || pid <= 0)
		return -EINVAL;
	process = process_find(pid);
	if (process == NULL)
		return thread_find(pid) != NULL ? -EINVAL : -ESRCH;
	return pidfd_make(call, process, flags);
}

int64_t sys_pidfd_send_signal(uint64_t caller, int fd, int signal, uint64_t address, unsigned flags)
{
	struct call *call = call_of(caller);
	struct signal_info info = {
		.signal = signal, .code = SI_USER, .pid = call->process->id, .uid = call->process->credentials.uid};
	struct process *process;
	int error;

	if (flags != 0)
		return -EINVAL;
	process = pidfd_process(call, fd, &error);
	if (error == -EBADF)
		return error;
	if (address != 0) {
		error = copy_in(call, &info, address, sizeof info);
		if (error != 0)
			return call_result(error);
		if (info.signal != signal)
			return -EINVAL;
		/* It may not pretend to come from the kernel or from kill. */
		if ((info.code >= 0 || info.code == SI_TKILL) && process != call->process)
			return -EPERM;
	}
	if (process == NULL)
		return -ESRCH;
	if (signal < 0 || signal > SIGNALS)
		return -EINVAL;
	if (!may_signal(call->process, process, signal))
		return -EPERM;
	return signal == 0 ? 0 : signal_process(process, signal, &info);
}

/* A descriptor of another process's table, borrowed; null: none. */
static struct file *file_of(const struct process *process, uint64_t fd)
{
	const struct file_table *files = process->files;

	return files == NULL || fd >= files->size ? NULL : files->slot[fd].file;
}

int64_t sys_pidfd_getfd(uint64_t caller, int fd, int wanted, unsigned flags)
{
	struct call *call = call_of(caller);
	struct process *process;
	struct file *file;
	int error;

	if (flags != 0)
		return -EINVAL;
	process = pidfd_process(call, fd, &error);
	if (process == NULL)
		return error;
	if (!process_may_attach(call->process, process))
		return -EPERM;
	if (process->files == NULL)
		return -ESRCH;
	file = wanted < 0 ? NULL : file_of(process, (unsigned)wanted);
	return file == NULL ? -EBADF : fd_install(call, file_reference(file), true);
}

/* --- kcmp. */

/* 0: the same; 1, 2: an order that stays, and says nothing of where things are. */
static int64_t compare(const void *one, const void *other)
{
	static uint64_t secret[2];
	uint64_t a, b;

	if (one == other)
		return 0;
	if (secret[0] == 0) {
		secret[0] = clock_realtime() * 0x9e3779b97f4a7c15ull | 1;
		secret[1] = clock_monotonic() * 0xbf58476d1ce4e5b9ull;
	}
	/* One to one, since the factor is odd. */
	a = ((uintptr_t)one ^ secret[1]) * secret[0];
	b = ((uintptr_t)other ^ secret[1]) * secret[0];
	return a < b ? 1 : 2;
}

static struct process *process_of_id(int id)
{
	struct thread *thread = thread_find(id);

	return thread != NULL ? thread->process : process_find(id);
}

int64_t sys_kcmp(uint64_t caller, int pid1, int pid2, int type, uint64_t index1, uint64_t index2)
{
	struct call *call = call_of(caller);
	struct process *one = process_of_id(pid1), *other = process_of_id(pid2);
	const struct file *file1, *file2;

	if (one == NULL || other == NULL)
		return -ESRCH;
	if (!process_may_attach(call->process, one) || !process_may_attach(call->process, other))
		return -EPERM;
	switch (type) {
	case KCMP_FILE:
		file1 = file_of(one, index1);
		file2 = file_of(other, index2);
		return file1 == NULL || file2 == NULL ? -EBADF : compare(file1, file2);
	case KCMP_VM:
		return compare(one->memory, other->memory);
	case KCMP_FILES:
		return compare(one->files, other->files);
	case KCMP_FS:
		return compare(one->fs, other->fs);
	case KCMP_SIGHAND:
		return compare(one->actions, other->actions);
	case KCMP_SYSVSEM:
		return compare(&one->semaphore_undos, &other->semaphore_undos);
	case KCMP_IO:
	case KCMP_EPOLL_TFD:
		return -EOPNOTSUPP;
	default:
		return -EINVAL;
	}
}
