/*
 * Exceptions as messages. The thread that faulted tells its own handlers, then its task's, then the host's, each with a
 * kernel port for the answer, and waits. KERN_SUCCESS lets it go on, perhaps with registers that came with it; when
 * nobody says so, the task ends. Of a level first he is told who has asked for this kind of exception, in the way that
 * he asked for (exception_user.c), then the special port, by exception_raise.
 */
#include <kern/thread.h>

#include <ipc/ipc.h>
#include <kern/trap.h>
#include <stubs/exc_request_user.h>
#include <task/task_private.h>

#define EXCEPTION_RETRY_NS 10000000ull

/* The state that a handler is shown, and what may come back: mach/thread_flavors.h. */
struct exception_state {
	uint32_t header[2]; /* of x86_THREAD_STATE: flavour and count */
	x86_thread_state64_t registers;
};
#define STATE_COUNT  (sizeof(x86_thread_state64_t) / sizeof(uint32_t))
#define HEADER_COUNT 2u

/* The handlers in their order. */
enum { THREAD_ACTION, THREAD_PORT, TASK_ACTION, TASK_PORT, HOST_ACTION, EXCEPTION_STEPS };

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

/*
 * Waits until its processor has let go of a thread that has asked its handler. False: an abort has ended its wait, and no
 * answer counts; it is on its way to the reply port, whose lock is held here, so it may never be seen off a processor.
 */
static bool waits_settled(struct thread *thread)
{
	for (;;) {
		bool waits, settled;

		lock_acquire(&thread->lock);
		waits = thread->state == THREAD_WAITING;
		settled = !thread->on_processor;
		lock_release(&thread->lock);
		if (!waits || settled)
			return waits;
		machine_relax();
	}
}

/*
 * Registers that came with an answer; they are as the handler was shown them, or as he changed them. The lock of the reply
 * port is held: who waits there for the answer goes nowhere without it.
 */
static kern_return_t set_registers(struct thread *thread, const void *rest, size_t size)
{
	struct {
		uint32_t flavor, count;
		uint32_t word[HEADER_COUNT + STATE_COUNT];
	} answer = {0};
	x86_thread_state64_t state;
	uint32_t skip;
	kern_return_t result;

	__builtin_memcpy(&answer, rest, size < sizeof(answer) ? size : sizeof(answer));
	skip = answer.flavor == x86_THREAD_STATE ? HEADER_COUNT : 0;
	if ((answer.flavor != x86_THREAD_STATE64 && skip == 0) || answer.count != skip + STATE_COUNT ||
		size < (2 + answer.count) * sizeof(uint32_t))
		return KERN_INVALID_ARGUMENT;
	__builtin_memcpy(&state, answer.word + skip, sizeof(state));
	if (!waits_settled(thread))
		return KERN_ABORTED;
	result = machine_thread_set_state(thread, x86_THREAD_STATE64,
		&(struct state_memory){.kernel = (uint64_t *)&state}, x86_THREAD_STATE64_WORDS);
	lock_acquire(&thread->lock);
	thread->ast |= AST_REGISTERS;
	lock_release(&thread->lock);
	return result;
}

void exception_reply_received(struct thread *thread, kern_return_t result, const void *rest, size_t size)
{
	if (result == KERN_SUCCESS && thread->exception_gives_state)
		result = set_registers(thread, rest, size);
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

/* Who is to be told at this step, as a right of the caller's, and how; a null port: nobody. */
static struct exception_action handler_of(struct thread *self)
{
	struct task *task = self->task;
	struct exception_action action = {NULL, 0, 0};

	switch (self->exception_step) {
	case THREAD_ACTION:
		return exception_action_of(task, &self->exception_actions, self->exception_kind);
	case TASK_ACTION:
		return exception_action_of(task, &task->exception_actions, self->exception_kind);
	case HOST_ACTION:
		return exception_action_of(&kernel_task, &host_exception_actions, self->exception_kind);
	case THREAD_PORT:
		action.port = task_slot_right(task, &self->exception_port, ipc_port_copy_send);
		return action;
	default:
		action.port = task_slot_right(task, &task->exception_port, ipc_port_copy_send);
		return action;
	}
}

/* Sends the request. The right to answer is consumed, unless the result is MACH_SEND_NO_BUFFER; the handler's stays. */
static kern_return_t tell(struct thread *self, const struct exception_action *to, struct ipc_port *reply)
{
	const int64_t wide[] = {self->exception_code, self->exception_subcode};
	const int narrow[] = {(int)wide[0], (int)wide[1]}, kind = self->exception_kind;
	const bool codes = ((unsigned)to->behavior & MACH_EXCEPTION_CODES) != 0;
	const int behavior = (int)((unsigned)to->behavior & ~MACH_EXCEPTION_CODES);
	const unsigned skip = to->flavor == x86_THREAD_STATE ? 0 : HEADER_COUNT;
	struct exception_state state = {{x86_THREAD_STATE64, STATE_COUNT}, {.rax = 0}};
	const uint32_t *shown = state.header + skip;
	const unsigned count = HEADER_COUNT + STATE_COUNT - skip;
	struct ipc_port *thread = NULL, *task = NULL;
	kern_return_t sent;

	if (behavior != EXCEPTION_STATE) {
		thread = task_slot_right(self->task, &self->self_port, ipc_port_make_send);
		task = task_slot_right(self->task, &self->task->self_port, ipc_port_make_send);
	}
	self->exception_gives_state = behavior == EXCEPTION_STATE || behavior == EXCEPTION_STATE_IDENTITY;
	if (self->exception_gives_state)
		(void)machine_thread_get_state(self, x86_THREAD_STATE64,
			&(struct state_memory){.kernel = (uint64_t *)&state.registers},
			&(unsigned){x86_THREAD_STATE64_WORDS});
	switch (behavior) {
	case EXCEPTION_DEFAULT:
		sent = codes ? mach_exc_raise(to->port, reply, thread, task, kind, wide, 2)
			     : exc_raise(to->port, reply, thread, task, kind, narrow, 2);
		break;
	case EXCEPTION_STATE:
		sent = codes ? mach_exc_raise_state(to->port, reply, kind, wide, 2, to->flavor, shown, count)
			     : exc_raise_state(to->port, reply, kind, narrow, 2, to->flavor, shown, count);
		break;
	case EXCEPTION_STATE_IDENTITY:
		sent = codes ? mach_exc_raise_state_identity(
				       to->port, reply, thread, task, kind, wide, 2, to->flavor, shown, count)
			     : exc_raise_state_identity(
				       to->port, reply, thread, task, kind, narrow, 2, to->flavor, shown, count);
		break;
	default:
		sent = exception_raise_request(to->port, reply, thread, task, kind, wide[0], wide[1]);
	}
	if (sent == MACH_SEND_NO_BUFFER) { /* there was no message to hold the rights */
		ipc_port_release_send(thread);
		ipc_port_release_send(task);
	}
	return sent;
}

/* Sends the request of the present step, or goes on to the next, or ends the task. */
static void exception_ask(struct thread *self)
{
	/* Who is being ended raises nothing: his handlers may have gone before him. */
	if (self->ast & AST_TERMINATE)
		thread_leave_kernel(self);
	for (; self->exception_step < EXCEPTION_STEPS; self->exception_step++) {
		struct exception_action to = handler_of(self);
		struct ipc_port *reply, *once;
		kern_return_t sent;
		bool dead;

		if (to.port == NULL || !ipc_port_active(to.port)) {
			ipc_port_release_send(to.port);
			continue;
		}
		reply = ipc_kernel_port_create(IKOT_EXCEPTION_REPLY, self, self->task->account);
		if (reply == NULL) {
			ipc_port_release_send(to.port);
			wait_for_memory(self);
		}
		self->exception_reply = reply;
		self->exception_result = KERN_FAILURE;
		/* Waiting before the request is out: the answer cannot come too early. */
		assert_wait(&self->exception_reply, true, UINT64_MAX);
		once = ipc_port_make_send_once(reply);
		sent = tell(self, &to, once);
		if (sent == KERN_SUCCESS) {
			ipc_port_release_send(to.port);
			thread_block(exception_answered);
		}
		thread_cancel_wait(self);
		reply_port_done(self);
		if (sent == MACH_SEND_NO_BUFFER)
			ipc_port_release_send_once(once);
		dead = !ipc_port_active(to.port);
		ipc_port_release_send(to.port);
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
