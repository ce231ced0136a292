/*
 * The register path in full, server's side: mach_reply_wait and mach_reply_defer.
 *
 * mach_reply_wait replies once: then it sets REPLY_NONE in its saved rbx, so that whatever restarts it only waits. The
 * caller that got its reply is woken when it is clear what the server does next: if the server waits, the processor
 * goes straight to the caller.
 */
#include <ipc/ipc_internal.h>
#include <mach/trap.h>

#define FLAG_REPLY_NONE     ((uint64_t)REPLY_NONE << 32)
#define FLAG_REPLY_TRAILERS ((uint64_t)REPLY_TRAILERS << 32)

/* The words in our registers as a message to the right that a buffered request brought. */
static mach_msg_return_t reply_to_right(struct thread *self, unsigned count)
{
	struct ipc_kmsg *kmsg = ipc_kmsg_of_words(self->task->account, self->ipc.owes_id, self->regs.word, count);

	if (kmsg == NULL)
		return MACH_SEND_NO_BUFFER;
	ipc_kmsg_sent_by(kmsg, self->task);
	kmsg->remote_port = self->ipc.owes_right;
	kmsg->remote_disposition = self->ipc.owes_disposition;
	self->ipc.owes_right = NULL;
	(void)ipc_kmsg_deliver(kmsg); /* who asked may be gone: not the server's trouble */
	return MACH_MSG_SUCCESS;
}

/* Replies to whoever is owed. *caller: a thread to be woken by send_off, with its reference. */
static mach_msg_return_t reply(struct thread *self, unsigned flags, struct thread **caller)
{
	unsigned count = (unsigned)(self->regs.r15 >> 32);
	struct thread *owed = self->ipc.owes;

	if (count > IPC_WORDS)
		return MACH_SEND_TOO_LARGE;
	if (self->ipc.owes_right != NULL) {
		mach_msg_return_t result = reply_to_right(self, count);

		if (result != MACH_MSG_SUCCESS)
			return result;
	} else if (owed != NULL) {
		sched_account();
		self->ipc.owes = NULL;
		self->ipc.owes_on = NULL;
		if (ipc_call_reply(owed, self, NULL, MACH_MSG_SUCCESS, self->regs.word, count, flags))
			*caller = owed;
		else
			thread_deallocate(owed);
	}
	ipc_inherit_end(self);
	return MACH_MSG_SUCCESS;
}

static void send_off(struct thread *caller)
{
	if (caller != NULL) {
		(void)thread_go(caller, WAIT_AWAKENED);
		thread_deallocate(caller);
	}
}

static _Noreturn void wait_for_next(struct thread *self, bool resumed, bool died, struct thread *caller)
{
	struct ipc_receiver want = {
		.name = (mach_port_name_t)self->regs.rbx,
		.words = true,
		.trailer = self->regs.rbx & FLAG_REPLY_TRAILERS ? MACH_RCV_TRAILER_AUDIT : 0,
		.resumed = resumed,
		.died = died,
		.buffer = self->regs.r14,
		.size = (mach_msg_size_t)self->regs.r15,
		.deadline = UINT64_MAX,
	};
	int64_t result;

	if (self->ipc.works_for != NULL)
		ipc_work_for(self, NULL);
	result = ipc_receive(self, &want);
	if (result == IPC_RECEIVE_WAIT) {
		if (caller != NULL && !sched_better_ready(caller->run_priority) && !thread_bound_elsewhere(caller) &&
			thread_claim(caller, WAIT_AWAKENED)) {
			thread_deallocate(caller); /* it runs, so this is not the last */
			thread_handoff(caller, ipc_reply_wait_continue);
		}
		send_off(caller);
		thread_block(ipc_reply_wait_continue);
	}
	send_off(caller);
	if (result == KERN_RESTART)
		thread_block_restart(self);
	self->regs.rax = (uint64_t)result;
	thread_leave_kernel(self);
}

void ipc_reply_wait_continue(struct thread *self)
{
	enum wait_result waited = self->wait_result;
	bool died;

	(void)ipc_mqueue_wait_over(self, &died);
	if (waited == WAIT_INTERRUPTED) {
		self->regs.rax = (uint64_t)MACH_RCV_INTERRUPTED;
		deferred_run();
		thread_leave_kernel(self);
	}
	wait_for_next(self, true, died, NULL);
}

void ipc_trap_reply_wait(struct thread *self)
{
	unsigned flags = (unsigned)(self->regs.rbx >> 32);
	mach_msg_return_t result = MACH_MSG_SUCCESS;
	struct thread *caller = NULL;

	if (flags & REPLY_NONE)
		ipc_call_drop_owed(self); /* a server that waits again without a reply will not give one */
	else
		result = reply(self, flags, &caller);
	if (result != MACH_MSG_SUCCESS || (flags & REPLY_NO_WAIT)) {
		send_off(caller);
		self->regs.rax = (uint64_t)(int64_t)result;
		deferred_run();
		thread_leave_kernel(self);
	}
	self->regs.rbx |= FLAG_REPLY_NONE;
	wait_for_next(self, false, false, caller);
}

struct ipc_port *ipc_reply_port_create(struct thread *caller, struct thread *server)
{
	struct ipc_port *port = ipc_kernel_port_create(IKOT_CALL_REPLY, caller, caller->task->account);

	return port != NULL ? port : ipc_kernel_port_create(IKOT_CALL_REPLY, caller, server->task->account);
}

void ipc_work_for(struct thread *self, struct thread *caller)
{
	struct thread *before = self->ipc.works_for;

	if (caller != NULL)
		thread_reference(caller);
	sched_account();
	self->ipc.works_for = caller;
	if (before != NULL)
		thread_deallocate(before);
}

/*
 * The right to reply to the caller last received, as a send-once right: of a port of the kernel that stands for the
 * caller. The name goes in before the caller points to the port; nobody else knows it yet, so the caller's own abort is
 * the only race, and then the port dies at once.
 */
int64_t ipc_trap_reply_defer(struct thread *self)
{
	struct thread *caller = self->ipc.owes;
	struct ipc_port *port = self->ipc.owes_right;
	mach_msg_type_name_t disposition = self->ipc.owes_disposition;
	mach_port_name_t name = MACH_PORT_NULL;
	kern_return_t result;
	bool stands;

	if (caller == NULL && port == NULL)
		return 0;
	if (caller == NULL) {
		self->ipc.owes_right = NULL;
		result = ipc_space_insert(self->task->space, port, disposition, &name);
		return result == KERN_SUCCESS ? name : (int64_t)result << 32;
	}
	port = ipc_reply_port_create(caller, self);
	if (port == NULL)
		return (int64_t)KERN_RESOURCE_SHORTAGE << 32;
	ipc_work_for(self, caller);
	self->ipc.owes = NULL;
	self->ipc.owes_on = NULL;
	ipc_object_reference(&port->object);
	lock_acquire(&caller->lock);
	stands = caller->ipc.call_state == IPC_CALL_RECEIVED && caller->ipc.server == self;
	if (stands) {
		thread_reference(caller); /* the port's; if the call has ended it is ours that the port has now */
		caller->ipc.server = NULL;
		caller->ipc.reply_port = port;
	}
	lock_release(&caller->lock);
	/* Without room for the name the right dies, and with it the call. */
	result =
		ipc_space_insert(self->task->space, ipc_port_make_send_once(port), MACH_MSG_TYPE_PORT_SEND_ONCE, &name);
	if (!stands)
		thread_deallocate(ipc_reply_port_close(port));
	ipc_inherit_end(self);
	ipc_port_release(port);
	return result == KERN_SUCCESS ? name : (int64_t)result << 32;
}
