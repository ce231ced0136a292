/*
 * Exceptions as messages. The thread that faulted sends exception_raise to its own handler's port, then to its task's,
 * each with a kernel port for the answer, and waits. KERN_SUCCESS lets it go on; when nobody says so, the task ends.
 */
#include <kern/thread.h>

#include <ipc/ipc.h>
#include <kern/trap.h>
#include <stubs/exc_request_user.h>
#include <task/task_private.h>

#define EXCEPTION_RETRY_NS 10000000ull

static _Noreturn void exception_ask(struct thread *self);

static void reply_port_done(struct thread *self)
{
	struct ipc_port *port = self->exception_reply;

	self->exception_reply = NULL;
	if (port != NULL)
		ipc_port_destroy(port);
}

/* The wait for an answer is over: by the answer, or by an abort, after which the faulting instruction runs again. */
static void exception_answered(struct thread *self)
{
	bool aborted = self->wait_result == WAIT_INTERRUPTED;

	reply_port_done(self);
	if (aborted || self->exception_result == KERN_SUCCESS)
		thread_leave_kernel(self);
	self->exception_step++;
	exception_ask(self);
}

void exception_reply_received(struct thread *thread, kern_return_t result)
{
	thread->exception_result = result;
	thread_wakeup(&thread->exception_reply);
}

static void exception_later(struct thread *self)
{
	if (self->wait_result == WAIT_INTERRUPTED)
		thread_leave_kernel(self);
	exception_ask(self);
}

/* There was no memory to ask the handler of this step: it is asked again when some may have come back. */
static _Noreturn void wait_for_memory(struct thread *self)
{
	assert_wait(&self->wait_timer, true, machine_now() + EXCEPTION_RETRY_NS);
	thread_block(exception_later);
}

static void report_unhandled(struct thread *self)
{
	kprintf("task %u (%s): exception %d, code %ld, subcode %lx at %lx, stack %lx: nobody handles it, the task "
		"ends\n",
		self->task->id, self->task->name, self->exception_kind, (long)self->exception_code,
		(unsigned long)self->exception_subcode, (unsigned long)self->regs.rip, (unsigned long)self->regs.rsp);
}

/* Sends the request of the present step, or goes on to the next, or ends the task. */
static void exception_ask(struct thread *self)
{
	/* Who is being ended raises nothing: his handlers may have gone before him. */
	if (self->ast & AST_TERMINATE)
		thread_leave_kernel(self);
	for (; self->exception_step < 2; self->exception_step++) {
		struct ipc_port **slot = self->exception_step == 0 ? &self->exception_port : &self->task->exception_port;
		struct ipc_port *handler = task_slot_right(self->task, slot, ipc_port_copy_send), *reply;
		struct ipc_port *thread_right, *task_right;
		kern_return_t sent;
		bool dead;

		if (handler == NULL || !ipc_port_active(handler)) {
			ipc_port_release_send(handler);
			continue;
		}
		reply = ipc_kernel_port_create(IKOT_EXCEPTION_REPLY, self, self->task->account);
		if (reply == NULL) {
			ipc_port_release_send(handler);
			wait_for_memory(self);
		}
		self->exception_reply = reply;
		self->exception_result = KERN_FAILURE;
		thread_right = task_slot_right(self->task, &self->self_port, ipc_port_make_send);
		task_right = task_slot_right(self->task, &self->task->self_port, ipc_port_make_send);
		/* Waiting before the request is out: the answer cannot come too early. */
		assert_wait(&self->exception_reply, true, UINT64_MAX);
		sent = exception_raise_request(handler, ipc_port_make_send_once(reply), thread_right, task_right,
			self->exception_kind, self->exception_code, self->exception_subcode);
		if (sent == KERN_SUCCESS) {
			ipc_port_release_send(handler);
			thread_block(exception_answered);
		}
		thread_cancel_wait(self);
		reply_port_done(self);
		dead = !ipc_port_active(handler);
		ipc_port_release_send(handler);
		if (!dead)
			wait_for_memory(self);
	}
	report_unhandled(self);
	task_terminate(self->task);
	thread_leave_kernel(self);
}

void exception_raise_self(int exception, int64_t code, int64_t subcode)
{
	struct thread *self = current_thread();

	count_event(exceptions);
	self->exception_kind = exception;
	self->exception_code = code;
	self->exception_subcode = subcode;
	self->exception_step = 0;
	exception_ask(self);
}
