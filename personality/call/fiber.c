/* Fibers: see fiber.h. */
#include "call/fiber.h"

#include <mach/mach.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "call/call.h"
#include "call/dispatch.h"
#include "call/timer.h"

#define STACK_SIZE (128ull << 10) /* what is not touched costs no memory */
#define GUARD_SIZE VM_PAGE_SIZE   /* below it: an overflow is a fault */
#define IDLE_MAX   16             /* stacks kept for the next fibers; */
#define IDLE_FEW   1              /* more than so many only as long as they are needed: */
#define IDLE_NS    1000000000ull  /* within such a time */

/* What fiber_switch takes from a stack, from below. */
struct saved {
	uint64_t r15, r14, r13, r12, rbx, rbp;
	void (*return_to)(void);
};

/*
 * States: `idle` (on the list of idle ones), running (some thread's `running`), a home that has gone into a fiber
 * (some thread's `home`), waiting (known to whom it waits for), ready (on the ready list).
 */
struct fiber {
	struct ready ready; /* first; the link of the idle ones, too */
	char *stack;        /* with its guard; null: a thread's own */
	void *pointer;      /* while it does not run */
	void (*function)(void *argument);
	void *argument;
	void (*loop)(void);    /* of a home that may become a fiber */
	struct fiber *starter; /* goes on when this one waits for the first time or ends; null: the home */
	struct call *call;     /* current_call while it waits */
	void (*give_up)(void *argument);
	void *give_up_argument;
};

static struct list idle = LIST_INITIALIZER(idle);
static unsigned idle_count;
static unsigned idle_unneeded; /* so many have been idle since the timer was set */
static void idle_look(struct timer *timer);
static struct timer idle_timer = {.fire = idle_look};

/* A thread's own stack, its home unless it got another. */
static __thread struct fiber own;
static __thread struct fiber *home, *running;

void fiber_switch(void **save, void *to);
void fiber_begin(void);
_Noreturn void fiber_main(void);

struct fiber *fiber_self(void)
{
	if (home == NULL)
		home = running = &own;
	return running;
}

bool fiber_at_home(void)
{
	return fiber_self() == home;
}

static struct fiber *stack_create(void)
{
	struct fiber *fiber = calloc(1, sizeof *fiber);

	if (fiber == NULL)
		return NULL;
	fiber->stack = mmap(NULL, GUARD_SIZE + STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (fiber->stack == MAP_FAILED || mprotect(fiber->stack, GUARD_SIZE, PROT_NONE) != 0) {
		if (fiber->stack != MAP_FAILED)
			munmap(fiber->stack, GUARD_SIZE + STACK_SIZE);
		free(fiber);
		return NULL;
	}
	fiber->ready.is_fiber = true;
	return fiber;
}

/* A fiber that will run the function. Null: no memory. */
static struct fiber *fiber_create(void (*function)(void *argument), void *argument)
{
	struct fiber *fiber;
	struct saved *saved;

	if (list_empty(&idle)) {
		fiber = stack_create();
		if (fiber == NULL)
			return NULL;
	} else {
		/* The one used last: its pages are there. */
		fiber = list_entry(idle.prev, struct fiber, ready.link);
		list_remove(&fiber->ready.link);
		if (--idle_count < idle_unneeded)
			idle_unneeded = idle_count;
	}
	saved = (struct saved *)(void *)(fiber->stack + GUARD_SIZE + STACK_SIZE) - 1;
	*saved = (struct saved){.return_to = fiber_begin};
	fiber->pointer = saved;
	fiber->function = function;
	fiber->argument = argument;
	fiber->loop = NULL;
	fiber->starter = NULL;
	fiber->call = NULL;
	fiber->give_up = NULL;
	return fiber;
}

/* Where this thread goes on without this fiber. */
static struct fiber *rest(struct fiber *self)
{
	struct fiber *starter = self->starter;

	self->starter = NULL;
	return starter != NULL ? starter : home;
}

/* Leaves this stack for another. Back when somebody switches to it, perhaps on another thread. */
static void leave_for(struct fiber *self, struct fiber *next)
{
	self->call = current_call;
	running = next;
	current_call = next->call;
	fiber_switch(&self->pointer, next->pointer);
}

_Noreturn void fiber_main(void)
{
	struct fiber *self = running;

	self->function(self->argument);
	fiber_end();
}

static void oldest_free(void)
{
	struct fiber *oldest = list_entry(idle.next, struct fiber, ready.link);

	list_remove(&oldest->ready.link);
	idle_count--;
	munmap(oldest->stack, GUARD_SIZE + STACK_SIZE);
	free(oldest);
}

static void idle_watch(void)
{
	if (idle_count <= IDLE_FEW || idle_timer.index != 0)
		return;
	idle_unneeded = idle_count;
	timer_set(&idle_timer, clock_monotonic() + IDLE_NS);
}

static void idle_look(struct timer *timer)
{
	(void)timer;
	for (; idle_count > IDLE_FEW && idle_unneeded > 0; idle_unneeded--)
		oldest_free();
	idle_watch();
}

void fiber_end(void)
{
	struct fiber *self = running;

	/*
	 * The stack is still in use, but nobody else takes it or frees it before this thread gives the lock away, which
	 * it does on another.
	 */
	list_append(&idle, &self->ready.link);
	if (++idle_count > IDLE_MAX)
		oldest_free();
	idle_watch();
	leave_for(self, rest(self));
	abort();
}

/* The start of a thread's new home, on which the old one has left the lock. */
static void run_loop(void *argument)
{
	(void)argument;
	server_leave();
	home->loop();
}

bool fiber_wait(void (*give_up)(void *argument), void *argument)
{
	struct fiber *self = fiber_self();

	if (self == home) {
		struct fiber *next = self->loop != NULL ? fiber_create(run_loop, NULL) : NULL;

		if (next == NULL)
			return false;
		next->loop = self->loop;
		self->loop = NULL;
		home = next;
	}
	self->give_up = give_up;
	self->give_up_argument = argument;
	if (current_call != NULL) {
		struct call *call = current_call;

		/* The thread will receive other calls. (Null it stays when a signal is delivered outside a call.) */
		call_keep_reply(call);
		call->fiber = self;
	}
	leave_for(self, rest(self));
	if (current_call != NULL)
		current_call->fiber = NULL;
	return true;
}

void fiber_wake(struct fiber *fiber)
{
	if (fiber == NULL)
		return;
	fiber->give_up = NULL;
	list_append(&ready_list, &fiber->ready.link);
}

void fiber_give_up(struct fiber *fiber)
{
	if (fiber->give_up != NULL)
		fiber->give_up(fiber->give_up_argument);
}

struct call *fiber_call(const struct fiber *fiber)
{
	return fiber->call;
}

void fiber_resume(struct fiber *fiber)
{
	leave_for(home, fiber);
}

void fiber_run(void (*function)(void *argument), void *argument)
{
	struct fiber *self = fiber_self(), *fiber = fiber_create(function, argument);
	void (*loop)(void) = self->loop;

	if (fiber != NULL) {
		fiber->starter = self;
		leave_for(self, fiber);
		return;
	}
	/* What the caller still has to do must not wait with the function. */
	self->loop = NULL;
	function(argument);
	self->loop = loop;
}

bool fiber_start(void (*function)(void *argument), void *argument)
{
	struct fiber *fiber = fiber_create(function, argument);

	fiber_wake(fiber);
	return fiber != NULL;
}

void fiber_be_home(void (*loop)(void))
{
	struct fiber *self, *next;

	server_lock();
	self = fiber_self();
	next = fiber_create(run_loop, NULL);
	if (next == NULL)
		abort();
	next->loop = loop;
	home = next;
	leave_for(self, next);
	abort();
}
