/* A heap of deadlines and the one thread that waits for the earliest. */
#include "call/timer.h"

#include <mach/mach.h>
#include <pthread.h>
#include <stdlib.h>

#include "call/call.h"
#include "call/dispatch.h"

#define HEAP_LEAST 64

static struct timer **heap; /* heap[1] is the earliest */
static unsigned heap_used, heap_size;
/* Changes whenever the earliest deadline may have; the thread waits on it. */
static uint32_t heap_generation;

static void heap_place(unsigned at, struct timer *timer)
{
	heap[at] = timer;
	timer->index = at;
}

static void heap_up(unsigned at, struct timer *timer)
{
	while (at > 1 && heap[at / 2]->deadline > timer->deadline) {
		heap_place(at, heap[at / 2]);
		at /= 2;
	}
	heap_place(at, timer);
}

static void heap_down(unsigned at, struct timer *timer)
{
	for (;;) {
		unsigned child = at * 2;

		if (child > heap_used)
			break;
		if (child < heap_used && heap[child + 1]->deadline < heap[child]->deadline)
			child++;
		if (heap[child]->deadline >= timer->deadline)
			break;
		heap_place(at, heap[child]);
		at = child;
	}
	heap_place(at, timer);
}

/* False: no memory. */
static bool heap_resize(unsigned size)
{
	struct timer **other = realloc(heap, size * sizeof *heap);

	if (other == NULL)
		return false;
	heap = other;
	heap_size = size;
	return true;
}

void timer_cancel(struct timer *timer)
{
	unsigned at = timer->index;
	struct timer *last;

	if (at == 0)
		return;
	timer->index = 0;
	last = heap[heap_used--];
	if (last != timer) {
		if (at > 1 && heap[at / 2]->deadline > last->deadline)
			heap_up(at, last);
		else
			heap_down(at, last);
	}
	if (heap_size > HEAP_LEAST && heap_used < heap_size / 4)
		heap_resize(heap_size / 2);
}

bool timer_set(struct timer *timer, uint64_t deadline)
{
	timer_cancel(timer);
	if (heap_used + 1 >= heap_size && !heap_resize(heap_size == 0 ? HEAP_LEAST : heap_size * 2))
		return false;
	timer->deadline = deadline;
	heap_up(++heap_used, timer);
	if (timer->index == 1) {
		/* Release: the thread reads the heap under the lock anyway; the counter only ends its wait. */
		__atomic_add_fetch(&heap_generation, 1, __ATOMIC_RELEASE);
		mach_word_wake(&heap_generation, 1, 0);
	}
	return true;
}

uint64_t timer_next(uint64_t due, uint64_t period, uint64_t now, uint64_t *missed)
{
	due += period;
	*missed = due <= now ? (now - due) / period + 1 : 0;
	return due + *missed * period;
}

static void *timer_thread(void *argument)
{
	(void)argument;
	for (;;) {
		uint64_t next = MACH_DEADLINE_NONE;
		uint32_t generation;

		server_lock();
		while (heap_used > 0 && heap[1]->deadline <= clock_monotonic()) {
			struct timer *timer = heap[1];

			timer_cancel(timer);
			timer->fire(timer);
		}
		if (heap_used > 0)
			next = heap[1]->deadline;
		generation = __atomic_load_n(&heap_generation, __ATOMIC_ACQUIRE);
		server_leave();
		mach_word_wait(&heap_generation, generation, next, 0);
	}
	return NULL;
}

void timers_start(void)
{
	server_thread_start(timer_thread);
}
