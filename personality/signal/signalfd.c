/* signalfd: signals that wait for the reader are read as records. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>

#include "base/user.h"
#include "file/file.h"
#include "process/proc.h"
#include "unix_server.h"

struct signal_file {
	uint64_t mask;
};

static void fill(struct signalfd_siginfo *out, const struct signal_info *info)
{
	memset(out, 0, sizeof *out);
	out->ssi_signo = (uint32_t)info->signal;
	out->ssi_errno = info->error;
	out->ssi_code = info->code;
	if (info->code == SI_TIMER) {
		out->ssi_tid = (uint32_t)info->timer_id;
		out->ssi_overrun = (uint32_t)info->overrun;
		out->ssi_ptr = info->timer_value;
		out->ssi_int = (int32_t)info->timer_value;
		return;
	}
	out->ssi_pid = (uint32_t)info->pid;
	out->ssi_uid = info->uid;
	if (info->signal == SIGCHLD && info->code > 0) {
		out->ssi_status = info->status;
		out->ssi_utime = (uint64_t)info->user_time;
		out->ssi_stime = (uint64_t)info->system_time;
	} else {
		out->ssi_ptr = info->value;
		out->ssi_int = (int32_t)info->value;
	}
}

/* Whole records, as many as there are signals and room for. */
static int64_t signals_read(struct file *file, struct io *io, uint64_t *offset)
{
	const struct signal_file *signals = file->data;
	struct signalfd_siginfo record = {0};
	struct signal_info info;
	uint64_t before = io->done;
	int error = 0;

	(void)offset;
	if (io->total < sizeof record)
		return -EINVAL;
	while (io->total - io->done >= sizeof record) {
		uint64_t at = io->done;

		/* The page is there before the signal is taken. */
		memset(&record, 0, sizeof record);
		error = io_copy_out(io, &record, sizeof record);
		if (error != 0)
			break;
		io->done = at;
		memset(&info, 0, sizeof info);
		if (signal_take(io->call->thread, signals->mask, &info) == 0)
			break;
		fill(&record, &info);
		io_copy_out(io, &record, sizeof record);
	}
	if (io->done > before)
		return (int64_t)io->done;
	if (error != 0)
		return call_result(error);
	return file->flags & O_NONBLOCK ? -EAGAIN : call_wait_for(io->call, &io->call->process->signal_queue);
}

/* As the one who asks sees it: its own signals. */
static unsigned signals_poll(struct file *file)
{
	const struct signal_file *signals = file->data;
	const struct thread *thread = current_call != NULL ? current_call->thread : NULL;

	if (thread == NULL)
		return 0;
	return (thread->pending.set | thread->process->pending.set) & signals->mask ? POLLIN | POLLRDNORM : 0u;
}

static unsigned signals_queues(struct file *file, struct wait_queue *queues[2])
{
	(void)file;
	if (current_call == NULL)
		return 0;
	queues[0] = &current_call->process->signal_queue;
	return 1;
}

static void signals_release(struct file *file)
{
	user_free(file->data);
}

static const struct file_ops signals_ops = {
	.read = signals_read,
	.poll = signals_poll,
	.poll_queues = signals_queues,
	.release = signals_release,
};

int64_t sys_signalfd4(uint64_t caller, int fd, uint64_t mask_address, uint64_t size, unsigned flags)
{
	struct call *call = call_of(caller);
	struct signal_file *signals;
	const struct file *file;
	uint64_t mask;
	int error;

	if (size != sizeof mask || (flags & ~(unsigned)(SFD_CLOEXEC | SFD_NONBLOCK)))
		return -EINVAL;
	error = copy_in(call, &mask, mask_address, sizeof mask);
	if (error != 0)
		return call_result(error);
	mask &= ~(SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP));
	if (fd != -1) {
		file = fd_file(call, fd);
		if (file == NULL || file->ops != &signals_ops)
			return file == NULL ? -EBADF : -EINVAL;
		((struct signal_file *)file->data)->mask = mask;
		wait_queue_wake(&call->process->signal_queue, 0);
		return fd;
	}
	signals = user_alloc(user_now(), sizeof *signals);
	if (signals == NULL)
		return -ENOMEM;
	signals->mask = mask;
	return fd_install_anonymous(
		call, &signals_ops, O_RDWR | (flags & SFD_NONBLOCK), signals, (flags & SFD_CLOEXEC) != 0);
}

int64_t sys_signalfd(uint64_t caller, int fd, uint64_t mask, uint64_t size)
{
	return sys_signalfd4(caller, fd, mask, size, 0);
}
