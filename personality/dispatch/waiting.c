/* Calls that wait: wait queues, deadlines, and the list of those that have been woken and are to run again. */
#include <mach/mach.h>

#include "base/user.h"
#include "call/call.h"
#include "call/dispatch.h"
#include "dispatch/run.h"
#include "file/file.h"
#include "memory/paging.h"
#include "process/proc.h"

struct list ready_list = LIST_INITIALIZER(ready_list);

void wait_queue_init(struct wait_queue *queue)
{
	list_init(&queue->waiters);
	list_init(&queue->chosen);
}

static void make_ready(struct call *call)
{
	call->state = CALL_READY;
	list_append(&ready_list, &call->ready.link);
}

void wait_queue_choose(struct wait_queue *queue)
{
	while (!list_empty(&queue->waiters) && list_empty(&queue->chosen)) {
		struct waiter *waiter = list_entry(queue->waiters.next, struct waiter, link);
		struct call *call = waiter->call;

		if (call->process->stopped || call->state != CALL_WAITING) {
			call_make_ready(call); /* it looks when its process goes on */
			continue;
		}
		list_remove(&waiter->link);
		list_append(&queue->chosen, &waiter->link);
		waiter->chosen = true;
		timer_cancel(&call->timer);
		make_ready(call);
	}
}

void wait_queue_wake_all(struct wait_queue *queue, unsigned events)
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
	while (!list_empty(&queue->chosen)) {
		struct waiter *waiter = list_entry(queue->chosen.next, struct waiter, link);

		list_remove(&waiter->link);
		waiter->chosen = false;
	}
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

/* A place in the call's blocks. Null: no memory. */
static struct waiter *another_waiter(struct call *call)
{
	struct waiter_block *block = call->more_waiters;

	if (block == NULL || block->used == BLOCK_WAITERS) {
		block = user_alloc(call->process->user, sizeof *block);
		if (block == NULL)
			return NULL;
		block->next = call->more_waiters;
		call->more_waiters = block;
	}
	return &block->waiter[block->used++];
}

/* It will not look at what it was chosen for: the next shall. */
static void pass_choice(struct call *call)
{
	struct wait_queue *queue = call->waiter[0].queue;

	if (call->waiters == 0 || !call->waiter[0].chosen)
		return;
	call_take_choice(call);
	wait_queue_wake_one(queue);
}

int call_wait_on(struct call *call, struct wait_queue *queue)
{
	struct waiter *waiter;

	pass_choice(call);
	waiter = call->waiters < CALL_WAITERS ? &call->waiter[call->waiters] : another_waiter(call);
	if (waiter == NULL)
		return -ENOMEM;
	call->waiters++;
	waiter->call = call;
	waiter->queue = queue;
	waiter->wake = NULL;
	waiter->chosen = false;
	list_append(&queue->waiters, &waiter->link);
	return 0;
}

static void deadline_passed(struct timer *timer)
{
	struct call *call = list_entry(timer, struct call, timer);

	call->timed_out = true;
	call_make_ready(call);
}

void call_start_waiting(struct call *call)
{
	call->state = CALL_WAITING;
	if (call->has_deadline && call->deadline != NO_DEADLINE) {
		call->timer.fire = deadline_passed;
		timer_set(&call->timer, call->deadline);
	}
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

void call_leave_queues(struct call *call)
{
	unsigned i;

	pass_choice(call);
	if ((call->waiters | call->timer.index) == 0 && call->more_waiters == NULL)
		return;
	for (i = 0; i < call->waiters && i < CALL_WAITERS; i++)
		list_remove(&call->waiter[i].link);
	call->waiters = 0;
	while (call->more_waiters != NULL) {
		struct waiter_block *block = call->more_waiters;

		for (i = 0; i < block->used; i++)
			list_remove(&block->waiter[i].link);
		call->more_waiters = block->next;
		user_free(block);
	}
	timer_cancel(&call->timer);
}

void call_make_ready(struct call *call)
{
	call_leave_queues(call);
	if (call->state != CALL_WAITING)
		return;
	/* A stopped process does nothing: process_continue makes its calls ready. */
	if (call->process->stopped)
		call->state = CALL_READY;
	else
		make_ready(call);
}

void call_resume_ready(struct call *call)
{
	if (call->state == CALL_READY && list_empty(&call->ready.link))
		list_append(&ready_list, &call->ready.link);
}

void call_cancel(struct call *call)
{
	call_leave_queues(call);
	if (call->state == CALL_READY)
		list_remove(&call->ready.link);
	if (call->state == CALL_PAGING)
		paging_forget(call);
}
