/* Waiting without a scheduler: threads are marked waiting and woken; the test decides who runs. */
#include "support.h"
#include <kern/assert.h>
#include <stdlib.h>

#define THREADS_MAX 64

uint64_t host_now = 1000000000;
continuation_t host_continuation;
struct thread *host_handoff;

static struct thread *threads[THREADS_MAX];
static unsigned threads_count;
static struct {
	uint64_t deadline;
} waits[THREADS_MAX];
static jmp_buf call_frame;
static bool in_call;

static unsigned number_of(const struct thread *thread)
{
	for (unsigned i = 0; i < threads_count; i++)
		if (threads[i] == thread)
			return i;
	panic("no thread of this test: %p", (const void *)thread);
}

struct thread *current_thread(void)
{
	return host_processor->thread;
}

void host_set_current(struct thread *thread)
{
	if (host_processor->thread != NULL && host_processor->thread->state == THREAD_RUNNING)
		host_processor->thread->state = THREAD_READY;
	host_processor->thread = thread;
	if (thread != NULL && thread->state != THREAD_WAITING)
		thread->state = THREAD_RUNNING;
}

struct thread *host_thread(struct task *task)
{
	struct thread *thread = calloc(1, sizeof(*thread));

	if (thread == NULL || threads_count == THREADS_MAX)
		abort();
	thread->task = task;
	lock_init(&thread->lock, LOCK_RANK_THREAD);
	ref_init(&thread->refs, 1);
	list_init(&thread->wait_link);
	list_init(&thread->run_link);
	list_init(&thread->task_link);
	thread->state = THREAD_READY;
	thread->processor = host_processor;
	threads[threads_count++] = thread;
	return thread;
}

struct thread *host_last_thread(void)
{
	return threads[threads_count - 1];
}

bool host_waits(const struct thread *thread)
{
	return thread->wait_result == WAIT_WAITING && thread->wait_kind != WAIT_NONE;
}

static void wait_on(enum wait_kind kind, const void *event, bool interruptible, uint64_t deadline)
{
	struct thread *self = current_thread();

	if (host_waits(self))
		panic("a thread waits twice");
	self->wait_kind = kind;
	self->wait_event = event;
	self->wait_interruptible = interruptible;
	self->wait_result = WAIT_WAITING;
	self->state = THREAD_WAITING;
	waits[number_of(self)].deadline = deadline;
}

void assert_wait(const void *event, bool interruptible, uint64_t deadline)
{
	wait_on(WAIT_EVENT, event, interruptible, deadline);
}

bool thread_cancel_wait(struct thread *self)
{
	bool waiting = host_waits(self);

	if (waiting)
		thread_go(self, WAIT_AWAKENED);
	self->state = THREAD_RUNNING;
	return waiting;
}

bool thread_go(struct thread *thread, enum wait_result result)
{
	if (!host_waits(thread))
		return false;
	if (list_linked(&thread->wait_link))
		list_remove(&thread->wait_link);
	thread->wait_kind = WAIT_NONE;
	thread->wait_event = NULL;
	thread->wait_result = result;
	thread->state = thread == current_thread() ? THREAD_RUNNING : THREAD_READY;
	return true;
}

static unsigned wake(const void *event, unsigned most)
{
	unsigned woken = 0;

	for (unsigned i = 0; i < threads_count && woken < most; i++)
		if (host_waits(threads[i]) && threads[i]->wait_kind == WAIT_EVENT && threads[i]->wait_event == event)
			woken += thread_go(threads[i], WAIT_AWAKENED);
	return woken;
}

void thread_wakeup(const void *event)
{
	wake(event, THREADS_MAX);
}

bool thread_end_event_wait(struct thread *thread, enum wait_result result)
{
	return thread->wait_kind == WAIT_EVENT && thread_go(thread, result);
}

void host_expire(void)
{
	for (unsigned i = 0; i < threads_count; i++)
		if (host_waits(threads[i]) && waits[i].deadline <= host_now)
			thread_go(threads[i], WAIT_TIMED_OUT);
}

uint64_t machine_now(void)
{
	return host_now;
}

/* --- Calls that may not return. */

bool host_call(void (*fn)(void *argument), void *argument)
{
	if (in_call)
		panic("host_call within host_call");
	host_continuation = NULL;
	host_handoff = NULL;
	in_call = true;
	if (setjmp(call_frame) != 0) {
		in_call = false;
		return false;
	}
	fn(argument);
	in_call = false;
	return true;
}

static _Noreturn void leave(continuation_t continuation)
{
	host_continuation = continuation;
	if (!in_call)
		panic("a thread blocked outside host_call");
	longjmp(call_frame, 1);
}

void thread_block(continuation_t continuation)
{
	leave(continuation);
}

void thread_block_restart(struct thread *self)
{
	(void)self;
	leave(NULL);
}

void thread_handoff(struct thread *to, continuation_t continuation)
{
	host_handoff = to;
	leave(continuation);
}

void thread_leave_kernel(struct thread *self)
{
	(void)self;
	leave(NULL);
}
