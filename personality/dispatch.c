/* Serves the port set: system calls as register messages, exceptions, interrupts; runs waiting calls again. */
#include "dispatch.h"

#include <mach/device_notify_server.h>
#include <mach/exc_server.h>
#include <mach/mach.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "deliver.h"
#include "file.h"
#include "proc.h"
#include "procfs.h"
#include "trace.h"
#include "unix_server.h"

/*
 * A call's way through here:
 *
 *   1. server_thread receives it and takes the lock; serve_foreign finds the thread and fills its struct call.
 *   2. run_call lets the routine of unix.defs run. A result: finish_call delivers due signals and the server thread
 * replies with its next receive. CALL_RESTART: the reply right is kept (mach_reply_defer) and the call waits, or goes
 * to a worker.
 *   3. A waker puts it on the ready list; the next thread to leave the server runs it again from 2, and answers through
 * the kept right.
 *
 * A thread whose process is killed while its call runs (the lock may be released around an RPC) is only marked dead;
 * run_call frees it when the call comes back.
 */

mach_port_t server_port_set;

/* The lock: 0 free, 1 held, 2 held and perhaps waited for. */
static uint32_t lock_word;
/* Grows with every call for the workers; they wait on it. */
static uint32_t worker_calls;
static struct list ready = LIST_INITIALIZER(ready);
static struct list worker_queue = LIST_INITIALIZER(worker_queue);

#define INTERRUPTS_MAX 16
static void (*interrupt_handler[INTERRUPTS_MAX])(void);
static unsigned interrupts;

static __attribute__((noinline)) void lock_slowly(void)
{
	while (__atomic_exchange_n(&lock_word, 2, __ATOMIC_ACQUIRE) != 0)
		mach_word_wait(&lock_word, 2, MACH_DEADLINE_NONE, 0);
}

static inline void lock_acquire(void)
{
	uint32_t free_word = 0;

	/* Acquire: what the last holder wrote is seen; release below: what we wrote will be. */
	if (!__atomic_compare_exchange_n(&lock_word, &free_word, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		lock_slowly();
}

static inline void lock_release(void)
{
	if (__atomic_exchange_n(&lock_word, 0, __ATOMIC_RELEASE) == 2)
		mach_word_wake(&lock_word, 1, 0);
}

void server_lock(void)
{
	lock_acquire();
}

static void to_worker(struct call *call)
{
	call->state = CALL_WORKER;
	list_append(&worker_queue, &call->link);
	/* Release: a worker that sees the count finds the call, under the lock. */
	__atomic_add_fetch(&worker_calls, 1, __ATOMIC_RELEASE);
	mach_word_wake(&worker_calls, 1, 0);
}

void server_unlock(void)
{
	/* In the middle of a call: what has become ready must not wait for the end of its RPC. */
	while (!list_empty(&ready)) {
		struct call *call = list_entry(ready.next, struct call, link);

		list_remove(&call->link);
		to_worker(call);
	}
	lock_release();
}

uint64_t clock_monotonic(void)
{
	return mach_clock_monotonic();
}

uint64_t clock_realtime(void)
{
	return mach_clock_real();
}

void server_thread_start(void *(*function)(void *))
{
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 256 * 1024);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	if (pthread_create(&thread, &attributes, function, NULL) != 0) {
		fprintf(stderr, "unix: no memory for a thread\n");
		exit(1);
	}
	pthread_attr_destroy(&attributes);
}

mach_port_t server_port_create(uint64_t payload)
{
	mach_port_t port;

	if (mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &port) != KERN_SUCCESS)
		return MACH_PORT_NULL;
	if (mach_port_set_protected_payload(mach_task_self(), port, payload) != KERN_SUCCESS ||
		mach_port_insert_right(mach_task_self(), port, port, MACH_MSG_TYPE_MAKE_SEND) != KERN_SUCCESS ||
		mach_port_move_member(mach_task_self(), port, server_port_set) != KERN_SUCCESS) {
		mach_port_destroy(mach_task_self(), port);
		return MACH_PORT_NULL;
	}
	return port;
}

void server_port_destroy(mach_port_t port)
{
	if (port != MACH_PORT_NULL)
		mach_port_destroy(mach_task_self(), port);
}

/* --- Waiting. */

void wait_queue_init(struct wait_queue *queue)
{
	list_init(&queue->waiters);
}

void wait_queue_wake(struct wait_queue *queue, unsigned events)
{
	struct list woken;

	/* Waiters with a function of their own stay on the queue; calls leave all their queues. */
	list_init(&woken);
	while (!list_empty(&queue->waiters)) {
		struct waiter *waiter = list_entry(queue->waiters.next, struct waiter, link);

		if (waiter->wake != NULL) {
			list_remove(&waiter->link);
			list_append(&woken, &waiter->link);
		} else {
			call_make_ready(waiter->call);
		}
	}
	while (!list_empty(&woken)) {
		struct waiter *waiter = list_entry(woken.next, struct waiter, link);

		list_remove(&waiter->link);
		list_append(&queue->waiters, &waiter->link);
		waiter->wake(waiter, events);
	}
}

void wait_queue_destroy(struct wait_queue *queue)
{
	while (!list_empty(&queue->waiters)) {
		struct waiter *waiter = list_entry(queue->waiters.next, struct waiter, link);

		if (waiter->wake != NULL) {
			list_remove(&waiter->link);
			waiter->queue = NULL;
		} else {
			call_make_ready(waiter->call);
		}
	}
}

int call_wait_on(struct call *call, struct wait_queue *queue)
{
	struct waiter *waiter;

	if (call->waiters < CALL_WAITERS) {
		waiter = &call->waiter[call->waiters];
	} else {
		/* Waiters are linked by address: the array has room for all from the start. */
		if (call->more_waiters == NULL) {
			call->more_waiters = calloc(2 * FD_LIMIT_MAX, sizeof *call->more_waiters);
			if (call->more_waiters == NULL)
				return -ENOMEM;
		}
		if (call->waiters - CALL_WAITERS >= 2 * FD_LIMIT_MAX)
			return -EINVAL;
		waiter = &call->more_waiters[call->waiters - CALL_WAITERS];
	}
	call->waiters++;
	waiter->call = call;
	waiter->queue = queue;
	waiter->wake = NULL;
	list_append(&queue->waiters, &waiter->link);
	return 0;
}

static void deadline_passed(struct timer *timer)
{
	struct call *call = list_entry(timer, struct call, timer);

	call->timed_out = true;
	call_make_ready(call);
}

void call_set_deadline(struct call *call, uint64_t deadline)
{
	if (call->has_deadline)
		return;
	call->has_deadline = true;
	call->deadline = deadline;
}

int64_t call_wait(struct call *call)
{
	call->will_wait = true;
	return CALL_RESTART;
}

int64_t call_wait_for(struct call *call, struct wait_queue *queue)
{
	int error = call_wait_on(call, queue);

	return error != 0 ? error : call_wait(call);
}

bool call_need_worker(struct call *call)
{
	if (call->in_worker)
		return false;
	call->want_worker = true;
	return true;
}

static void leave_queues(struct call *call)
{
	unsigned i;

	for (i = 0; i < call->waiters; i++) {
		struct waiter *waiter = i < CALL_WAITERS ? &call->waiter[i] : &call->more_waiters[i - CALL_WAITERS];

		list_remove(&waiter->link);
	}
	call->waiters = 0;
	free(call->more_waiters);
	call->more_waiters = NULL;
	timer_cancel(&call->timer);
}

void call_make_ready(struct call *call)
{
	leave_queues(call);
	if (call->state != CALL_WAITING)
		return;
	call->state = CALL_READY;
	/* A stopped process does nothing: process_continue makes its calls ready. */
	if (!call->process->stopped)
		list_append(&ready, &call->link);
}

void call_resume_ready(struct call *call)
{
	if (call->state == CALL_READY && list_empty(&call->link))
		list_append(&ready, &call->link);
}

void call_cancel(struct call *call)
{
	leave_queues(call);
	if (call->state == CALL_READY || call->state == CALL_WORKER)
		list_remove(&call->link);
}

static void call_clean(struct call *call)
{
	leave_queues(call);
	if (call->scratch_release != NULL)
		call->scratch_release(call);
	call->scratch_release = NULL;
	free(call->scratch);
	call->scratch = NULL;
	trace_drop(call);
	call->state = CALL_IDLE;
}

void call_forget(struct call *call)
{
	call_cancel(call);
	call_clean(call);
	if (call->reply != MACH_PORT_NULL)
		mach_port_deallocate(mach_task_self(), call->reply);
	call->reply = MACH_PORT_NULL;
}

/* --- Running. */

/* Ends the call: signals, trace, answer. Through call->reply when there is one, else as the return value says. */
static enum answer finish_call(struct call *call, int64_t *result)
{
	struct thread *thread = call->thread;
	mach_port_t reply = call->reply;
	enum answer answer;
	uint64_t word[8] = {0};

	/* Most calls end here: nothing to deliver, to print or to give back. */
	if (*result > CALL_SPECIAL && reply == MACH_PORT_NULL && call->waiters == 0 && call->timer.index == 0 &&
		call->scratch == NULL && call->trace == NULL && !thread->restore_mask && !signal_due(thread)) {
		call->state = CALL_IDLE;
		return ANSWER_WORD;
	}
	call->state = CALL_RUNNING;
	leave_queues(call);
	answer = deliver_at_return(call, result);
	if (thread->dead) {
		thread_free(thread);
		return ANSWER_NONE;
	}
	if (answer != ANSWER_AGAIN)
		trace_end(call, *result);
	call->reply = MACH_PORT_NULL;
	call_clean(call);
	if (reply == MACH_PORT_NULL)
		return answer;
	if (answer == ANSWER_WORD) {
		word[0] = (uint64_t)*result;
		if (mach_send_words(reply, (mach_msg_id_t)call->number + 100, word, 1) != MACH_MSG_SUCCESS)
			mach_port_deallocate(mach_task_self(), reply);
	} else {
		/* deliver_at_return has aborted the call: the right is a dead name. */
		mach_port_deallocate(mach_task_self(), reply);
	}
	return ANSWER_NONE;
}

void call_finish(struct call *call, int64_t result)
{
	finish_call(call, &result);
}

void call_interrupt(struct call *call)
{
	call_cancel(call);
	call->state = CALL_RUNNING;
	call_finish(call, CALL_INTERRUPTED);
}

/* vfork: the kernel's call is answered with 0, for the child; ours stays open, waiting for nothing. */
static enum answer lend(struct call *call, int64_t *result)
{
	uint64_t word[8] = {0};

	call->state = CALL_WAITING;
	*result = 0;
	if (call->reply == MACH_PORT_NULL)
		return ANSWER_WORD;
	mach_send_words(call->reply, (mach_msg_id_t)call->number + 100, word, 1);
	call->reply = MACH_PORT_NULL;
	return ANSWER_NONE;
}

void call_answered(struct call *call, int64_t result)
{
	trace_end(call, result);
	call_clean(call);
}

static __thread struct call *current_call;

struct call *proc_caller(void)
{
	return current_call;
}

static enum answer run_call(struct call *call, int64_t *result)
{
	struct thread *thread = call->thread;
	const struct mig_routine *routine = NULL;

	call->state = CALL_RUNNING;
	call->will_wait = false;
	call->want_worker = false;
	call->absent_size = 0;
	if (trace_enabled)
		trace_begin(call);
	if (call->number < (uint64_t)unix_subsystem.end)
		routine = &unix_subsystem.routine[call->number];
	if (routine == NULL || routine->foreign == NULL) {
		*result = -ENOSYS;
	} else {
		current_call = call;
		*result = routine->foreign(call->argument);
		current_call = NULL;
	}
	if (thread->dead) {
		thread_free(thread);
		return ANSWER_NONE;
	}
	if (*result > CALL_SPECIAL)
		return finish_call(call, result);
	if (*result == CALL_GONE)
		return ANSWER_NONE;
	if (*result == CALL_LENT)
		return lend(call, result);
	if (*result != CALL_RESTART)
		return finish_call(call, result);
	if (!call->want_worker && call->absent_size == 0 && signal_due(thread)) {
		*result = CALL_INTERRUPTED;
		return finish_call(call, result);
	}
	if (call->reply == MACH_PORT_NULL)
		call->reply = mach_reply_defer();
	if (call->want_worker || call->absent_size != 0) {
		leave_queues(call);
		to_worker(call);
	} else if (call->will_wait) {
		call->state = CALL_WAITING;
		if (call->has_deadline && call->deadline != NO_DEADLINE) {
			call->timer.fire = deadline_passed;
			timer_set(&call->timer, call->deadline);
		}
	} else {
		call->state = CALL_WAITING;
		call_make_ready(call);
	}
	return ANSWER_NONE;
}

void server_leave(void)
{
	while (!list_empty(&ready)) {
		struct call *call = list_entry(ready.next, struct call, link);
		int64_t result;

		list_remove(&call->link);
		run_call(call, &result);
	}
	lock_release();
}

/* Brings the pages in that a call missed. Without the lock: one of the few places of the server that wait for a pager.
 */
static void make_resident(mach_port_t task, uint64_t address, uint64_t size)
{
	uint64_t at;
	char byte;

	for (at = address; at < address + size; at = trunc_page(at) + VM_PAGE_SIZE) {
		if (mach_vm_read_overwrite(task, at, 1, &byte, 0, NULL) != KERN_SUCCESS)
			return;
	}
}

static void *worker_thread(void *argument)
{
	(void)argument;
	for (;;) {
		struct call *call;
		int64_t result;

		server_lock();
		while (list_empty(&worker_queue)) {
			uint32_t seen = __atomic_load_n(&worker_calls, __ATOMIC_ACQUIRE);

			lock_release();
			mach_word_wait(&worker_calls, seen, MACH_DEADLINE_NONE, 0);
			lock_acquire();
		}
		call = list_entry(worker_queue.next, struct call, link);
		list_remove(&call->link);
		call->state = CALL_RUNNING;
		if (call->absent_size != 0) {
			mach_port_t task = process_task(call->process);
			uint64_t address = call->absent_address, size = call->absent_size;

			server_unlock();
			make_resident(task, address, size);
			server_lock();
		}
		if (call->thread->dead) {
			thread_free(call->thread);
		} else {
			call->in_worker = true;
			run_call(call, &result);
		}
		server_leave();
	}
	return NULL;
}

/* --- Receiving. */

/* A new system call; the reply goes with the next receive: its flags. */
static uint32_t serve_foreign(struct mach_delivery *delivery)
{
	enum answer answer = ANSWER_NONE;
	struct thread *thread;
	struct call *call;
	int64_t result = -ESRCH;

	server_lock();
	thread = thread_of_word(delivery->word[6], delivery->payload);
	if (thread != NULL && thread->call.state == CALL_IDLE) {
		call = &thread->call;
		call->thread = thread;
		call->process = thread->process;
		call->number = (uint32_t)DELIVERED_ID(delivery->kind);
		memcpy(call->argument, delivery->word, sizeof call->argument);
		call->argument[6] = (uintptr_t)call;
		call->progress = 0;
		call->timed_out = call->in_worker = call->has_deadline = call->no_restart = false;
		call->interrupted = NULL;
		call->reply = MACH_PORT_NULL;
		answer = run_call(call, &result);
	}
	server_leave();
	delivery->word[0] = (uint64_t)result;
	return answer == ANSWER_WORD ? 0 : answer == ANSWER_KEEP || answer == ANSWER_AGAIN ? REPLY_KEEP : REPLY_NONE;
}

void interrupt_register(mach_port_t port, void (*handler)(void))
{
	if (interrupts == INTERRUPTS_MAX)
		return;
	mach_port_set_protected_payload(mach_task_self(), port, interrupts);
	interrupt_handler[interrupts++] = handler;
}

static __thread uint64_t message_payload;

kern_return_t S_device_interrupt(mach_port_t notify, unsigned count)
{
	(void)notify;
	(void)count;
	server_lock();
	if (message_payload < interrupts)
		interrupt_handler[message_payload]();
	server_leave();
	return KERN_SUCCESS;
}

kern_return_t S_exception_raise(mach_port_t exception_port, mach_port_t thread_port, mach_port_t task, int exception,
	int64_t code, int64_t subcode)
{
	struct thread *thread;
	kern_return_t result = KERN_FAILURE;

	(void)exception_port;
	server_lock();
	thread = thread_of_port(thread_port);
	if (thread != NULL)
		result = deliver_exception(thread, exception, code, subcode);
	server_leave();
	/* Both names were the server's before; the message brought a further reference of each. */
	mach_port_deallocate(mach_task_self(), thread_port);
	mach_port_deallocate(mach_task_self(), task);
	return result;
}

static void serve_words(struct mach_delivery *delivery)
{
	const struct mig_subsystem *subsystem = &device_notify_subsystem;
	const struct mig_routine *routine = NULL;
	kern_return_t result = MIG_BAD_ID;
	int id = DELIVERED_ID(delivery->kind);

	message_payload = delivery->payload;
	if (id >= subsystem->start && id < subsystem->end)
		routine = &subsystem->routine[id - subsystem->start];
	if (routine != NULL && routine->words != NULL && DELIVERED_COUNT(delivery->kind) == routine->request_words)
		result = routine->words(delivery->word, delivery->payload);
	mig_answer(routine, result, delivery->word);
}

union buffer {
	mach_msg_header_t header;
	char bytes[4096];
};

static void serve_buffer(union buffer *in)
{
	const mach_msg_trailer_t *trailer = (const void *)(in->bytes + ((in->header.msgh_size + 7) & ~7u));
	union buffer out;
	mig_reply_error_t *error = (mig_reply_error_t *)(void *)&out;

	message_payload = trailer->msgh_payload;
	if (!mig_server_dispatch(&exc_subsystem, &in->header, &out.header) &&
		!mig_server_dispatch(&device_notify_subsystem, &in->header, &out.header)) {
		mach_msg_destroy(&in->header);
		return;
	}
	if (!(out.header.msgh_bits & MACH_MSGH_BITS_COMPLEX) && error->RetCode == MIG_NO_REPLY)
		return;
	if (out.header.msgh_remote_port == MACH_PORT_NULL)
		return;
	if (mach_msg(&out.header, MACH_SEND_MSG, out.header.msgh_size, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL) !=
		MACH_MSG_SUCCESS)
		mach_msg_destroy(&out.header);
}

static void *server_thread(void *argument)
{
	struct mach_delivery delivery = {0};
	uint32_t flags = REPLY_NONE, count = 0;
	union buffer buffer;

	(void)argument;
	for (;;) {
		kern_return_t result =
			mach_reply_wait_words(server_port_set, flags, count, &buffer, sizeof buffer, &delivery);

		flags = REPLY_NONE;
		count = 0;
		if (result == KERN_SUCCESS && (delivery.kind & DELIVERED_BUFFER)) {
			serve_buffer(&buffer);
		} else if (result == KERN_SUCCESS && (delivery.kind & DELIVERED_FOREIGN)) {
			flags = serve_foreign(&delivery);
			count = 1;
		} else if (result == KERN_SUCCESS) {
			serve_words(&delivery);
			if (delivery.kind & DELIVERED_CALL) {
				flags = 0;
				count = 1;
			}
		} else if (result == MACH_RCV_TOO_LARGE) {
			/* Nobody who may send here sends so much: take it out, truncated, and destroy it. */
			if (mach_msg(&buffer.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof buffer, server_port_set,
				    0, MACH_PORT_NULL) == MACH_MSG_SUCCESS)
				mach_msg_destroy(&buffer.header);
		}
	}
	return NULL;
}

void dispatch_run(void)
{
	unsigned i;

	for (i = 0; i < WORKER_THREADS; i++)
		server_thread_start(worker_thread);
	timers_start();
	for (i = 1; i < SERVER_THREADS; i++)
		server_thread_start(server_thread);
	server_thread(NULL);
	abort();
}
