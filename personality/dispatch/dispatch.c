/* Serves the port set: system calls as register messages, exceptions, interrupts. */
#include "call/dispatch.h"

#include <mach/device_notify_server.h>
#include <mach/exc_server.h>
#include <mach/mach.h>
#include <mach/memory_notify_server.h>
#include <mach/notify_server.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call/call.h"
#include "call/fiber.h"
#include "call/lock.h"
#include "dispatch/run.h"
#include "process/claim.h"
#include "process/proc.h"
#include "process/ptrace.h"
#include "signal/deliver.h"
#include "vfs/filerpc.h"

mach_port_t server_port_set;

#define THREAD_STACK   (128u << 10)
#define INTERRUPTS_MAX 16
static void (*interrupt_handler[INTERRUPTS_MAX])(void);
static unsigned interrupts;

uint64_t clock_monotonic(void)
{
	return mach_clock_monotonic();
}

uint64_t clock_realtime(void)
{
	return mach_clock_real();
}

bool server_thread_try(void *(*function)(void *))
{
	pthread_attr_t attributes;
	pthread_t thread;
	bool started;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, THREAD_STACK);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	started = pthread_create(&thread, &attributes, function, NULL) == 0;
	pthread_attr_destroy(&attributes);
	return started;
}

void server_thread_start(void *(*function)(void *))
{
	if (!server_thread_try(function)) {
		fprintf(stderr, "unix: no memory for a thread\n");
		exit(1);
	}
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

/* --- Receiving. */

static uint32_t reply_flags(enum answer answer)
{
	return answer == ANSWER_WORD ? 0 : answer == ANSWER_NONE ? REPLY_NONE : REPLY_KEEP;
}

/* A call that left more to do. It may have left its home, too, while it waited; then this stack ends. */
static __attribute__((noinline)) uint32_t settle(struct call *call, int64_t *result)
{
	uint32_t flags = reply_flags(call_settle(call, result));

	if (!fiber_at_home())
		fiber_end();
	return flags;
}

static inline void begin(struct call *call, struct mach_delivery *delivery)
{
	delivery->word[CALL_SELF] = (uintptr_t)call;
	call->number = (uint32_t)DELIVERED_ID(delivery->kind);
	call->argument = delivery->word;
	call->progress = 0;
	call->flags = 0;
	call->interrupted = NULL;
}

/* With the lock, which it gives away: after a run of the call the thread is its own again, or the call settled. */
static inline uint32_t end(struct call *call, int64_t *result)
{
	uint32_t flags = 0;

	if (call_is_plain(call, *result))
		call_idle(call);
	else
		flags = settle(call, result);
	if (list_empty(&ready_list))
		lock_release();
	else
		server_leave();
	return flags;
}

/*
 * The call of a thread that this one has taken, or (null) that did not stand in its place: forged, lent, or taken by
 * somebody who holds the lock and puts it back.
 */
static inline uint32_t serve_locked(struct thread *thread, struct mach_delivery *delivery, int64_t *result)
{
	struct call *call;

	lock_acquire();
	if (thread == NULL) {
		thread = thread_of_word(delivery->word[CALL_SELF], delivery->payload);
		if (thread == NULL || thread->call.state != CALL_IDLE || !thread_take(thread)) {
			server_leave();
			return REPLY_NONE;
		}
	}
	call = &thread->call;
	begin(call, delivery);
	call->state = CALL_RUNNING;
	/* Its process may have ended since it was taken. */
	*result = __builtin_expect(thread->dead, 0) ? CALL_GONE : call_let_begin(call);
	return end(call, result);
}

/* The same for a thread of a process that is traced, which may stop before its call begins. */
static __attribute__((noinline)) uint32_t serve_traced(
	struct thread *thread, struct mach_delivery *delivery, int64_t *result)
{
	struct call *call = &thread->call;

	lock_acquire();
	begin(call, delivery);
	/* Where the tracer can change them. */
	memcpy(call->kept_argument, delivery->word, sizeof call->kept_argument);
	call->argument = call->kept_argument;
	call->state = CALL_RUNNING;
	if (thread->dead)
		*result = CALL_GONE;
	else if (trace_call_begins(call, result))
		*result = thread->dead ? CALL_GONE : call_let_begin(call);
	return end(call, result);
}

/* A call that ran without the lock, or began so, left more to do than to reply, or somebody wants something of its
 * thread. */
static __attribute__((noinline)) uint32_t end_unlocked(struct call *call, int64_t *result)
{
	call_lock(call);
	current_call = NULL;
	return end(call, result);
}

/* The word was forged: the thread's own call comes later. */
static __attribute__((noinline)) void put_back(struct thread *thread)
{
	if (thread_unclaim(thread))
		return;
	server_lock();
	if (thread->dead)
		thread_free(thread);
	else
		thread_put(thread);
	server_leave();
}

/* A new system call. Its result goes with the next receive, whose flags this returns. */
static inline uint32_t serve_foreign(struct mach_delivery *delivery, int64_t *result)
{
	uint64_t number = (uint32_t)DELIVERED_ID(delivery->kind);
	struct thread *thread = thread_claim(delivery->word[CALL_SELF]);

	/* The word is the program's to forge, the payload is not. */
	if (__builtin_expect(thread != NULL && thread->process->call_payload != delivery->payload, 0)) {
		/* Of a process that is traced? */
		if (thread->process->serial == delivery->payload)
			return serve_traced(thread, delivery, result);
		put_back(thread);
		thread = NULL;
	}
	if (thread != NULL && call_needs_no_lock(number) && __builtin_expect(!thread->confined, 1)) {
		struct call *call = &thread->call;

		begin(call, delivery);
		*result = unix_subsystem.routine[number].foreign(delivery->word);
		return !call_is_locked(call) && *result > CALL_SPECIAL && thread_unclaim(thread)
			       ? 0
			       : end_unlocked(call, result);
	}
	return serve_locked(thread, delivery, result);
}

void interrupt_register(mach_port_t port, void (*handler)(void))
{
	if (interrupts == INTERRUPTS_MAX)
		return;
	mach_port_set_protected_payload(mach_task_self(), port, interrupts);
	interrupt_handler[interrupts++] = handler;
}

static __thread uint64_t message_payload;

uint64_t request_payload(void)
{
	return message_payload;
}

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
	thread = thread_of_port(thread_port, message_payload);
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
	int id = DELIVERED_ID(delivery->kind);
	const struct mig_subsystem *subsystem = id < device_notify_subsystem.start   ? &notify_subsystem
						: id < memory_notify_subsystem.start ? &device_notify_subsystem
										     : &memory_notify_subsystem;
	const struct mig_routine *routine = NULL;
	kern_return_t result = MIG_BAD_ID;

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

/* Nobody is waited for: an answer that finds no room is destroyed. */
static void send_now(mach_msg_header_t *message)
{
	if (mach_msg(message, MACH_SEND_MSG | MACH_SEND_TIMEOUT, message->msgh_size, 0, MACH_PORT_NULL, 0,
		    MACH_PORT_NULL) != MACH_MSG_SUCCESS)
		mach_msg_destroy(message);
}

static void serve_buffer(union buffer *in)
{
	const mach_msg_trailer_t *trailer = (const void *)(in->bytes + ((in->header.msgh_size + 7) & ~7u));
	union buffer out;
	mig_reply_error_t *error = (mig_reply_error_t *)(void *)&out;

	message_payload = trailer->msgh_payload;
	if (!mig_server_dispatch(&exc_subsystem, &in->header, &out.header) &&
		!mig_server_dispatch(&device_notify_subsystem, &in->header, &out.header) &&
		!mig_server_dispatch(&memory_notify_subsystem, &in->header, &out.header) &&
		!mig_server_dispatch(&notify_subsystem, &in->header, &out.header)) {
		mach_msg_destroy(&in->header);
		return;
	}
	if (!(out.header.msgh_bits & MACH_MSGH_BITS_COMPLEX) && error->RetCode == MIG_NO_REPLY)
		return;
	if (out.header.msgh_remote_port == MACH_PORT_NULL)
		return;
	send_now(&out.header);
}

/* The answer to words, which may have come with any port for it. */
static void answer_words(const struct mach_delivery *delivery)
{
	struct {
		mach_msg_header_t header;
		uint64_t word;
	} out = {.header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0),
			 .msgh_size = sizeof out,
			 .msgh_remote_port = mach_reply_defer(),
			 .msgh_id = DELIVERED_ID(delivery->kind) + 100},
		.word = delivery->word[0]};

	send_now(&out.header);
}

/* What is no system call. */
static __attribute__((noinline)) void serve_other(
	kern_return_t result, struct mach_delivery *delivery, union buffer *in)
{
	if (result == KERN_SUCCESS && (delivery->kind & DELIVERED_BUFFER)) {
		serve_buffer(in);
	} else if (result == KERN_SUCCESS) {
		serve_words(delivery);
		if (delivery->kind & DELIVERED_CALL)
			answer_words(delivery);
	} else if (result == MACH_RCV_TOO_LARGE) {
		/* Nobody who may send here sends so much: take it out, truncated, and destroy it. */
		if (mach_msg(&in->header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof *in, server_port_set, 0,
			    MACH_PORT_NULL) == MACH_MSG_SUCCESS)
			mach_msg_destroy(&in->header);
	}
}

/* A home's loop; on a new stack it starts anew, since the one that has become a fiber ends here. */
static void receive_loop(void)
{
	struct mach_delivery delivery;
	uint32_t flags = REPLY_NONE;
	int64_t answer = 0;
	union buffer buffer;

	for (;;) {
		kern_return_t result =
			mach_answer_wait(server_port_set, flags, answer, &buffer, sizeof buffer, &delivery);

		if (result == KERN_SUCCESS &&
			(delivery.kind & (DELIVERED_FOREIGN | DELIVERED_BUFFER)) == DELIVERED_FOREIGN) {
			flags = serve_foreign(&delivery, &answer);
		} else {
			serve_other(result, &delivery, &buffer);
			flags = REPLY_NONE;
			if (!fiber_at_home()) {
				server_lock();
				fiber_end();
			}
		}
	}
}

static void *server_thread(void *argument)
{
	(void)argument;
	fiber_be_home(receive_loop);
}

void dispatch_run(void (*first)(void *argument))
{
	unsigned i;

	filerpc_start();
	server_thread_start(ready_thread);
	timers_start();
	for (i = 1; i < SERVER_THREADS; i++)
		server_thread_start(server_thread);
	server_lock();
	if (!fiber_start(first, NULL)) {
		fprintf(stderr, "unix: no memory for a stack\n");
		exit(1);
	}
	server_unlock();
	fiber_be_home(receive_loop);
}
