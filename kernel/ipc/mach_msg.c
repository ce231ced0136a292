/*
 * The mach_msg trap: send, then receive, restartable from the saved registers at every point.
 *
 *   rax = TRAP_MACH_MSG          nothing has happened: the send takes all or nothing (copyin.c)
 *   rax = TRAP_MACH_MSG_RESUME   the send is done; pending_kmsg: a kernel routine that has to wait; then the receive
 *
 * A full queue is found before anything is taken.
 * Waiting for room or for a message is a continuation that tries again; waiting for memory puts the thread back before
 * its syscall instruction. No argument register ever changes, only rax, which the trap returns in.
 */
#include <ipc/ipc_internal.h>
#include <kern/processor.h>
#include <kern/trap.h>
#include <mach/trap.h>

#define NS_PER_MS 1000000ull

/* The deadline of this half of the trap; set by its first try. */
static uint64_t deadline_of(struct thread *self, bool timeout)
{
	uint64_t ms = (uint32_t)self->regs.r8;

	if (!timeout)
		return UINT64_MAX;
	if (self->ipc.deadline == 0)
		self->ipc.deadline = machine_now() + ms * NS_PER_MS;
	return self->ipc.deadline;
}

/* A kernel port's routine runs now; its reply is queued before the receive looks for it. */
static mach_msg_return_t send_to_kernel(struct thread *self, struct ipc_kmsg *kmsg)
{
	mach_msg_return_t result = ipc_kobject_message(kmsg, true);

	self->pending_kmsg = result == KERN_RESTART ? kmsg : NULL;
	return result;
}

/* IPC_SEND_WAIT: the thread is marked waiting for room. */
static mach_msg_return_t try_send(struct thread *self, struct thread **claimed)
{
	mach_msg_option_t option = (mach_msg_option_t)self->regs.rsi;
	vm_address_t message = self->regs.rdi;
	mach_msg_size_t size = (mach_msg_size_t)self->regs.rdx;
	mach_port_name_t name;
	struct ipc_kmsg *kmsg;
	mach_msg_return_t result;

	for (;;) {
		result = ipc_kmsg_read(self, message, size, &kmsg);
		if (result != MACH_MSG_SUCCESS)
			return result;
		result = ipc_kmsg_take(self, kmsg);
		if (result == MACH_MSG_SUCCESS)
			break;
		name = kmsg->header.msgh_remote_port;
		ipc_kmsg_destroy(kmsg);
		if (result == IPC_SEND_FULL)
			result = ipc_send_full(self, name, option, deadline_of(self, option & MACH_SEND_TIMEOUT),
				(mach_port_name_t)self->regs.r9);
		if (result != MACH_MSG_SUCCESS)
			return result;
	}
	self->ipc.deadline = 0;
	self->regs.rax = (uint64_t)TRAP_MACH_MSG_RESUME;
	if (ipc_port_is_kernel(kmsg->remote_port))
		return send_to_kernel(self, kmsg);
	return ipc_kmsg_deliver_claim(kmsg, option & MACH_RCV_MSG ? claimed : NULL);
}

/* *claimed: a receiver to switch to when this thread waits, or null. */
static mach_msg_return_t send_half(struct thread *self, struct thread **claimed)
{
	mach_msg_return_t result = try_send(self, claimed);

	ipc_send_room_over(self);
	if (result == IPC_SEND_WAIT)
		thread_block(ipc_mach_msg_continue);
	return result;
}

/* Waits for a message; the thread that ours went to runs now, unless a better one is ready. */
static _Noreturn void wait_for_message(struct thread *claimed)
{
	if (claimed != NULL && !sched_better_ready(claimed->run_priority))
		thread_handoff(claimed, ipc_mach_msg_continue);
	ipc_unclaim(claimed);
	thread_block(ipc_mach_msg_continue);
}

static int64_t receive_half(struct thread *self, bool resumed, bool died, struct thread *claimed)
{
	mach_msg_option_t option = (mach_msg_option_t)self->regs.rsi;
	struct ipc_receiver want = {
		.name = (mach_port_name_t)self->regs.r10,
		.large = option & MACH_RCV_LARGE,
		.poll = (option & MACH_RCV_TIMEOUT) && (uint32_t)self->regs.r8 == 0,
		.trailer = option,
		.resumed = resumed,
		.died = died,
		.buffer = self->regs.rdi,
		.size = (mach_msg_size_t)(self->regs.rdx >> 32),
		.deadline = deadline_of(self, option & MACH_RCV_TIMEOUT),
	};
	int64_t result = ipc_receive(self, &want);

	if (result == IPC_RECEIVE_WAIT)
		wait_for_message(claimed);
	ipc_unclaim(claimed);
	return result;
}

static int64_t both_halves(struct thread *self, bool resumed, bool died)
{
	mach_msg_option_t option = (mach_msg_option_t)self->regs.rsi;
	int64_t result = MACH_MSG_SUCCESS;
	struct thread *claimed = NULL;

	if ((int64_t)self->regs.rax == TRAP_MACH_MSG && (option & MACH_SEND_MSG))
		result = send_half(self, &claimed);
	else if (self->pending_kmsg != NULL)
		result = send_to_kernel(self, self->pending_kmsg);
	if (result != MACH_MSG_SUCCESS)
		return result;
	self->regs.rax = (uint64_t)TRAP_MACH_MSG_RESUME;
	if (option & MACH_RCV_MSG)
		result = receive_half(self, resumed, died, claimed);
	return result;
}

void ipc_mach_msg_continue(struct thread *self)
{
	bool sending = (int64_t)self->regs.rax == TRAP_MACH_MSG && ((mach_msg_option_t)self->regs.rsi & MACH_SEND_MSG);
	enum wait_result waited = self->wait_result;
	int64_t result;
	bool died = false;

	if (self->ipc.taking != NULL) {
		/* A sender has handed us its message while we waited. */
		result = ipc_receive_finish(self, self->regs.rdi, (mach_msg_size_t)(self->regs.rdx >> 32),
			(mach_msg_option_t)self->regs.rsi);
	} else {
		if (sending)
			ipc_send_woken(self);
		else
			(void)ipc_mqueue_wait_over(self, &died);
		if (waited == WAIT_TIMED_OUT)
			result = sending ? MACH_SEND_TIMED_OUT : MACH_RCV_TIMED_OUT;
		else if (waited == WAIT_INTERRUPTED)
			result = sending ? MACH_SEND_INTERRUPTED : MACH_RCV_INTERRUPTED;
		else
			result = both_halves(self, true, died);
		ipc_send_room_over(self);
	}
	if (result == KERN_RESTART)
		thread_block_restart(self);
	self->ipc.deadline = 0;
	self->regs.rax = (uint64_t)result;
	ipc_deferred_run();
}

int64_t ipc_trap_mach_msg(struct thread *self)
{
	int64_t result;

	/* What an aborted trap has left. */
	if ((int64_t)self->regs.rax == TRAP_MACH_MSG) {
		self->ipc.deadline = 0;
		if (self->pending_kmsg != NULL || self->ipc.taking != NULL)
			ipc_thread_forget(self);
	}
	result = both_halves(self, false, false);
	if (result != KERN_RESTART)
		self->ipc.deadline = 0;
	return result;
}

int64_t ipc_trap_reply_port(struct thread *self)
{
	struct ipc_port *port = ipc_port_alloc(self->task->account);
	mach_port_name_t name;

	if (port == NULL ||
		ipc_space_insert(self->task->space, port, MACH_MSG_TYPE_PORT_RECEIVE, &name) != KERN_SUCCESS)
		return MACH_PORT_NULL;
	return name;
}
