/*
 * The register path in full: mach_call, mach_send, foreign calls; ends of calls by reply, death, abort.
 *
 * A caller is its own message: it goes on the port's queue with its words in its registers and waits. Whoever receives
 * it copies them. So a call needs no memory and cannot fail for want of it. While the call lasts the caller's registers
 * do not change; its end changes them in one step, under the caller's lock, and then wakes it. Every end follows the
 * same pattern:
 *
 *   1  lock the caller; does the call still stand as we know it? If not, somebody else ended it
 *   2  state NONE, registers written; unlock: from here nobody else touches the call
 *   3  thread_go
 *
 * An abort between 2 and 3 finds state NONE and leaves the thread alone; step 3 comes.
 */
#include <ipc/ipc_internal.h>
#include <mach/exception.h>
#include <mach/trap.h>
#include <string.h>

/* After the full path, when a call has ended: registers are complete, or the server of a foreign call died. */
void ipc_call_continue(struct thread *self)
{
	if (self->ipc.call_died) {
		self->ipc.call_died = false;
		exception_raise_self(EXC_SYSCALL, (int64_t)self->regs.rax, 0);
	}
}

/* Step 2 of an end without a reply; caller locked. */
static void end_with_code(struct thread *caller, int64_t code)
{
	caller->ipc.call_state = IPC_CALL_NONE;
	if (caller->ipc.call_foreign)
		caller->ipc.call_died = true;
	else
		caller->regs.rax = (uint64_t)code;
}

void ipc_call_end_queued(struct ipc_port *port, struct thread *caller, int64_t code)
{
	ipc_mqueue_remove(port, &caller->ipc.element);
	lock_acquire(&caller->lock);
	debug_assert(caller->ipc.call_state == IPC_CALL_QUEUED && caller->ipc.call_port == port);
	end_with_code(caller, code);
	caller->ipc.call_port = NULL;
	lock_release(&caller->lock);
	(void)thread_go(caller, WAIT_AWAKENED);
	ipc_object_release(&port->object);
}

void ipc_call_receive(struct ipc_port *port, struct thread *caller, struct thread *self, struct ipc_port *reply_port)
{
	ipc_mqueue_remove(port, &caller->ipc.element);
	lock_acquire(&caller->lock);
	debug_assert(caller->ipc.call_state == IPC_CALL_QUEUED && caller->ipc.call_port == port);
	caller->ipc.call_state = IPC_CALL_RECEIVED;
	caller->ipc.call_port = NULL;
	caller->ipc.server = self;
	caller->ipc.reply_port = reply_port;
	caller->wait_kind = WAIT_IPC_REPLY;
	lock_release(&caller->lock);
	ipc_object_release(&port->object); /* the caller's; the receiver has its own */
	if (self != NULL) {
		self->ipc.owes = caller;
		self->ipc.owes_on = port;
	}
}

/* Step 1, and of step 2 what is the same in all: true if the call stands, and then the caller is locked. */
static bool end_received(struct thread *caller, struct thread *server, struct ipc_port *reply_port)
{
	lock_acquire(&caller->lock);
	if (caller->ipc.call_state != IPC_CALL_RECEIVED || caller->ipc.server != server ||
		caller->ipc.reply_port != reply_port) {
		lock_release(&caller->lock);
		return false;
	}
	if (server != NULL)
		thread_reference(caller);
	caller->ipc.server = NULL;
	caller->ipc.reply_port = NULL;
	return true;
}

bool ipc_call_reply(struct thread *caller, struct thread *server, struct ipc_port *reply_port, int64_t code,
	const uint64_t *words, unsigned count, unsigned flags)
{
	if (!end_received(caller, server, reply_port))
		return false;
	caller->ipc.call_state = IPC_CALL_NONE;
	if (!caller->ipc.call_foreign) {
		memcpy(caller->regs.word, words, sizeof(caller->regs.word));
		caller->regs.rax = (uint64_t)code;
		caller->regs.rbx = count;
	} else if (code != MACH_MSG_SUCCESS) {
		caller->ipc.call_died = true;
	} else if (!(flags & REPLY_KEEP)) {
		caller->regs.rax = words[0];
	}
	lock_release(&caller->lock);
	return true;
}

void ipc_call_fail(struct thread *caller, struct thread *server, struct ipc_port *reply_port, int64_t code)
{
	if (!end_received(caller, server, reply_port))
		return;
	end_with_code(caller, code);
	lock_release(&caller->lock);
	(void)thread_go(caller, WAIT_AWAKENED);
}

void ipc_call_drop_owed(struct thread *self)
{
	struct thread *caller = self->ipc.owes;
	struct ipc_port *right = self->ipc.owes_right;

	self->ipc.owes_right = NULL;
	if (caller != NULL) {
		sched_account();
		self->ipc.owes = NULL;
		self->ipc.owes_on = NULL;
		ipc_call_fail(caller, self, NULL, MIG_SERVER_DIED);
		thread_deallocate(caller);
	}
	ipc_port_release_right(right, self->ipc.owes_disposition);
}

/* --- Making calls. */

/* The message of the thread's words, on its account; null: no memory. Its space may be locked. */
static struct ipc_kmsg *words_message(struct thread *self)
{
	return ipc_kmsg_of_words(
		self->task->account, (mach_msg_id_t)(self->regs.rbx >> 32), self->regs.word, (unsigned)self->regs.r14);
}

/*
 * The port that a name sends to: a reference, or, *once, the send-once right itself; null: *result says why, and
 * nothing has changed. A call (kmsg null) expects no reply from a kernel port that stands for one:
 * MACH_SEND_INVALID_RIGHT. For who only sends, *result may be IPC_SEND_FULL, and *kmsg is the message, made before the
 * right is taken; null where the words go by themselves: to a caller whose reply was deferred, and to the kernel's
 * routines.
 */
static inline struct ipc_port *destination(
	struct thread *self, mach_port_name_t name, struct ipc_kmsg **kmsg, bool *once, mach_msg_return_t *result)
{
	struct ipc_space *space = self->space;
	struct ipc_port *port = NULL;
	struct ipc_entry *entry;
	uint32_t type;
	bool dead;

	*once = false;
	*result = MACH_SEND_INVALID_DEST;
	lock_acquire(&space->lock);
	entry = ipc_right_lookup(space, name);
	type = entry != NULL ? ipc_entry_type(entry) & (MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_SEND_ONCE) : 0;
	if (kmsg != NULL && entry != NULL && (ipc_entry_type(entry) & MACH_PORT_TYPE_SEND_RECEIVE) &&
		ipc_mqueue_full(ipc_object_port(entry->object))) {
		*result = IPC_SEND_FULL;
	} else if (type != 0) {
		port = ipc_object_port(entry->object);
		*once = type == MACH_PORT_TYPE_SEND_ONCE;
		if (kmsg == NULL && *once && ipc_port_is_kernel(port)) {
			*result = MACH_SEND_INVALID_RIGHT;
			port = NULL;
		} else if (kmsg != NULL && (*once ? port->object.type != IKOT_CALL_REPLY : !ipc_port_is_kernel(port)) &&
			   (*kmsg = words_message(self)) == NULL) {
			*result = MACH_SEND_NO_BUFFER;
			port = NULL;
		} else if (*once) {
			(void)ipc_right_copyin(space, name, MACH_MSG_TYPE_MOVE_SEND_ONCE, &port, &dead);
		} else {
			ipc_object_reference(&port->object);
		}
	}
	lock_release(&space->lock);
	return port;
}

/*
 * The current thread becomes a caller in the port's queue and waits; the reference is consumed. False if the port is
 * dead. A receiver that waits is switched to at once, at our priority if that is higher.
 */
static bool queue_call(struct thread *self, struct ipc_port *port, bool foreign, mach_msg_id_t id, unsigned count)
{
	struct thread *receiver;
	uint8_t priority = self->run_priority;

	lock_acquire(&port->object.lock);
	if (!port->object.active || ipc_port_is_kernel(port)) {
		lock_release(&port->object.lock);
		ipc_port_release(port);
		return false;
	}
	self->ipc.call_state = IPC_CALL_QUEUED;
	self->ipc.call_foreign = foreign;
	self->ipc.call_id = id;
	self->ipc.call_count = (uint8_t)count;
	self->ipc.call_port = port;
	ipc_object_reference(&port->object); /* ours while we look at it below */
	thread_will_wait(WAIT_IPC_SEND, true, UINT64_MAX);
	receiver = ipc_mqueue_post(port, &self->ipc.element, true);
	lock_release(&port->object.lock);
	if (receiver != NULL) {
		if (receiver->run_priority < priority)
			sched_set_priority(receiver, priority);
		ipc_port_release(port);
		thread_handoff(receiver, ipc_call_continue);
	}
	ipc_inherit(port, priority);
	ipc_port_release(port);
	thread_block(ipc_call_continue);
}

/*
 * A register message of so many words for a kernel port: on success the answer's words have replaced its own, *answer
 * of them. KERN_RESTART: nothing has changed. The port's reference is consumed.
 */
static inline mach_msg_return_t run_words(
	struct ipc_port *port, mach_msg_id_t id, uint64_t word[8], uint64_t count, uint64_t *answer)
{
	const struct mig_routine *routine = kernel_routine(id);
	kern_return_t result = routine == NULL ? MIG_BAD_ID : MIG_BAD_ARGUMENTS;

	count_event(messages_kernel);
	if (routine != NULL && routine->words != NULL && count == routine->request_words)
		result = routine->words(word, (uintptr_t)port);
	ipc_object_release(&port->object);
	if (result == KERN_RESTART)
		return KERN_RESTART;
	*answer = mig_answer(routine, result, word);
	return MACH_MSG_SUCCESS;
}

/* From the fast path, too. */
void ipc_call_kernel(struct thread *self, struct ipc_port *port)
{
	if (run_words(port, (mach_msg_id_t)(self->regs.rbx >> 32), self->regs.word, self->regs.r14, &self->regs.rbx) ==
		KERN_RESTART)
		thread_block_restart(self);
	self->regs.rax = MACH_MSG_SUCCESS;
	deferred_run();
	thread_leave_kernel(self);
}

void ipc_trap_call(struct thread *self)
{
	mach_msg_return_t result = MACH_SEND_TOO_LARGE;
	struct ipc_port *port = NULL;
	bool once;

	if (self->regs.r14 <= IPC_WORDS)
		port = destination(self, (mach_port_name_t)self->regs.rbx, NULL, &once, &result);
	if (port != NULL) {
		if (ipc_port_is_kernel(port))
			ipc_call_kernel(self, port);
		if (once) {
			/* The call needs a reference only; as a right it is used now. */
			ipc_object_reference(&port->object);
			ipc_port_drop_send_once(port);
		}
		(void)queue_call(self, port, false, (mach_msg_id_t)(self->regs.rbx >> 32), (unsigned)self->regs.r14);
		result = MACH_SEND_INVALID_DEST;
	}
	self->regs.rax = (uint64_t)(int64_t)result;
	deferred_run();
	thread_leave_kernel(self);
}

void ipc_foreign_call(struct thread *self)
{
	struct task *task = self->task;
	struct ipc_port *port;

	lock_acquire(&task->lock);
	port = task->foreign_port;
	if (port != NULL)
		ipc_object_reference(&port->object);
	lock_release(&task->lock);
	if (port != NULL)
		(void)queue_call(self, port, true, (mach_msg_id_t)self->regs.rax, FOREIGN_CALL_WORDS);
	exception_raise_self(EXC_SYSCALL, (int64_t)self->regs.rax, 0);
}

/* --- Sending words without a reply. */

static void send_continue(struct thread *self)
{
	enum wait_result waited = self->wait_result;
	int64_t result = MACH_SEND_INTERRUPTED;

	ipc_send_woken(self);
	if (waited != WAIT_INTERRUPTED)
		result = ipc_trap_send(self);
	else
		ipc_send_room_over(self);
	if (result == KERN_RESTART)
		thread_block_restart(self);
	self->regs.rax = (uint64_t)result;
}

/* IPC_SEND_WAIT: the thread is marked waiting for room. */
static int64_t try_send_words(struct thread *self)
{
	mach_port_name_t name = (mach_port_name_t)self->regs.rbx;
	struct ipc_kmsg *kmsg = NULL;
	struct ipc_port *port;
	mach_msg_return_t result;
	bool once;

	if (self->regs.r14 > IPC_WORDS)
		return MACH_SEND_TOO_LARGE;
	while ((port = destination(self, name, &kmsg, &once, &result)) == NULL) {
		if (result == IPC_SEND_FULL)
			result = ipc_send_full(self, name, 0, UINT64_MAX, MACH_PORT_NULL);
		deferred_run();
		if (result != MACH_MSG_SUCCESS)
			return result;
	}
	if (kmsg != NULL) {
		ipc_kmsg_sent_by(kmsg, self->task);
		kmsg->remote_port = port;
		kmsg->remote_disposition = once ? MACH_MSG_TYPE_PORT_SEND_ONCE : MACH_MSG_TYPE_PORT_SEND;
		if (!once) {
			(void)ipc_port_copy_send(port);
			ipc_port_release(port);
		}
		return ipc_kmsg_deliver(kmsg);
	}
	if (once) {
		ipc_kobject_answer(port, self->regs.word, (unsigned)self->regs.r14);
		result = MACH_MSG_SUCCESS;
	} else {
		uint64_t word[IPC_WORDS], answer;

		memcpy(word, self->regs.word, sizeof(word));
		result = run_words(port, (mach_msg_id_t)(self->regs.rbx >> 32), word, self->regs.r14, &answer);
	}
	deferred_run();
	return result;
}

int64_t ipc_trap_send(struct thread *self)
{
	int64_t result = try_send_words(self);

	ipc_send_room_over(self);
	if (result == IPC_SEND_WAIT)
		thread_block(send_continue);
	return result;
}
