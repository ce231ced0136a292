/*
 * Stopping a thread inside message passing: abort, withdrawal, termination.
 *
 *   where the thread is        abort                             withdraw (suspend, get and set state)
 *   call, queued               before its syscall                foreign: before its syscall
 *   foreign call, received     before its syscall, reply dies    stays: rip behind it, rax the number
 *   call, received             MACH_RCV_INTERRUPTED, reply dies  stays
 *   receives or waits to send  *_INTERRUPTED                     stays
 *
 * An ordinary call that was received is not made again: the server has the request, as with mach_msg, and twice may be
 * once too often. (A foreign one is aborted by its server, who knows.)
 */
#include <ipc/ipc_internal.h>

struct thread *ipc_reply_port_close(struct ipc_port *port)
{
	struct thread *caller;

	/* One gets the caller: a reply, the death of the right, or the caller's abort. */
	lock_acquire(&port->object.lock);
	caller = port->kobject;
	port->kobject = NULL;
	lock_release(&port->object.lock);
	if (caller != NULL)
		ipc_port_destroy(port);
	return caller;
}

/* Takes a queued caller off its port. Port before thread: the port is found with a reference and looked at again. */
static bool unqueue(struct thread *thread, bool foreign_only)
{
	struct ipc_port *port = NULL;
	bool off;

	lock_acquire(&thread->lock);
	if (thread->ipc.call_state == IPC_CALL_QUEUED && (thread->ipc.call_foreign || !foreign_only)) {
		port = thread->ipc.call_port;
		ipc_object_reference(&port->object);
	}
	lock_release(&thread->lock);
	if (port == NULL)
		return false;
	lock_acquire(&port->object.lock);
	lock_acquire(&thread->lock);
	off = thread->ipc.call_state == IPC_CALL_QUEUED && thread->ipc.call_port == port;
	if (off) {
		thread->ipc.call_state = IPC_CALL_NONE;
		thread->ipc.call_port = NULL;
		thread->regs.rip -= IPC_SYSCALL_BYTES;
	}
	lock_release(&thread->lock);
	if (off)
		ipc_mqueue_remove(port, &thread->ipc.element);
	lock_release(&port->object.lock);
	if (off)
		ipc_object_release(&port->object); /* the call's */
	ipc_port_release(port);
	return off;
}

/* Ends a received call from the caller's side. */
static bool give_up_reply(struct thread *thread)
{
	struct ipc_port *port = NULL;
	bool stood;

	lock_acquire(&thread->lock);
	stood = thread->ipc.call_state == IPC_CALL_RECEIVED;
	if (stood) {
		port = thread->ipc.reply_port;
		if (port != NULL)
			ipc_object_reference(&port->object);
		if (thread->ipc.server != NULL)
			thread_reference(thread); /* the server's */
		thread->ipc.call_state = IPC_CALL_NONE;
		thread->ipc.server = NULL;
		thread->ipc.reply_port = NULL;
		if (thread->ipc.call_foreign)
			thread->regs.rip -= IPC_SYSCALL_BYTES;
		else
			thread->regs.rax = (uint64_t)MACH_RCV_INTERRUPTED;
	}
	lock_release(&thread->lock);
	if (port != NULL) {
		thread_deallocate(ipc_reply_port_close(port));
		ipc_port_release(port);
	}
	return stood;
}

bool ipc_thread_abort(struct thread *thread)
{
	enum wait_kind kind;

	/* A caller moves from queued to received only; so in this order no state is missed. */
	if (unqueue(thread, false) || give_up_reply(thread))
		return thread_go(thread, WAIT_INTERRUPTED);
	lock_acquire(&thread->lock);
	kind = thread->state == THREAD_WAITING && thread->ipc.wait_object != NULL ? thread->wait_kind : WAIT_NONE;
	lock_release(&thread->lock);
	/* Its continuation takes it off the list. */
	return (kind == WAIT_IPC_RECEIVE || kind == WAIT_IPC_MESSAGE || kind == WAIT_IPC_SEND) && thread_end_ipc_wait(thread, WAIT_INTERRUPTED);
}

void ipc_thread_withdraw(struct thread *thread)
{
	if (unqueue(thread, true))
		(void)thread_go(thread, WAIT_INTERRUPTED);
}

/* Who waits for the reply to the request gets the send-once notification. */
void ipc_thread_forget(struct thread *thread)
{
	struct ipc_kmsg *request = thread->pending_kmsg;

	thread->pending_kmsg = NULL;
	thread->ipc.deadline = 0;
	ipc_kmsg_destroy(request);
	ipc_receive_give_up(thread);
}

void ipc_thread_terminate(struct thread *thread)
{
	struct ipc_object *object = thread->ipc.wait_object;
	bool died;

	if (!unqueue(thread, false))
		(void)give_up_reply(thread);
	if (object != NULL) {
		ipc_object_reference(object);
		/* Woken for a message, or for room, that it will not take: the next shall have it. */
		if (ipc_mqueue_wait_over(thread, &died) && !died) {
			ipc_mqueue_pass_on(object);
			if (!object->is_set) {
				lock_acquire(&object->lock);
				ipc_mqueue_wake_sender(ipc_object_port(object));
				lock_release(&object->lock);
			}
		}
		ipc_object_release(object);
	}
	ipc_call_drop_owed(thread);
	ipc_work_for(thread, NULL);
	ipc_thread_forget(thread);
	deferred_run();
}

void ipc_thread_init(struct thread *thread)
{
	list_init(&thread->wait_link);
	list_init(&thread->ipc.element.link);
	thread->ipc.element.is_caller = true;
}
