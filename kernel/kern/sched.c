/*
 * Scheduling: 128 priorities, a run queue for each processor, direct switches between threads.
 *
 * A thread is RUNNING on one processor, or READY on one queue, or neither. The kernel is not preempted: a processor
 * looks at its queue when the running thread blocks, and on the way to user mode when something asked for it
 * (need_reschedule). As blocked threads are continuations, a switch is another current thread, another address space,
 * and a call on the empty stack.
 */
#ifndef PORTOLAN_HOST
#pragma GCC optimize("omit-frame-pointer")
#endif
#include <kern/kalloc.h>
#include <kern/piece.h>
#include <kern/slice.h>
#include <kern/task.h>

#define CONTINUATION_COST 2000 /* instructions with those of the switch, about (kern/piece.h) */

struct processor processors[PROCESSORS_MAX];
uint32_t processors_online;

/* Queue locked. */
static void set_claim(struct run_queue *queue, int highest, bool slice_over)
{
	queue->highest = highest;
	queue->slice_over = slice_over;
	queue->claim = queue->held ? -1 : highest + slice_over;
}

void sched_init(void)
{
	for (unsigned i = 0; i < PROCESSORS_MAX; i++) {
		struct processor *processor = &processors[i];

		lock_init(&processor->queue.lock, LOCK_RANK_RUN_QUEUE);
		set_claim(&processor->queue, -1, false);
		processor->queue.highest_free = -1;
		for (unsigned priority = 0; priority < PRIORITIES; priority++)
			list_init(&processor->queue.threads[priority]);
		lock_init(&processor->timer_lock, LOCK_RANK_TIMER);
		list_init(&processor->timers);
		processor->armed_deadline = UINT64_MAX;
		processor->slice_end = processor->spread_at = UINT64_MAX;
		processor->shares = UINT32_MAX;
	}
}

/* Where threads of users and of servers may run, a bit for each processor. The kernel's run anywhere. */
static uint32_t for_users = UINT32_MAX, for_servers = UINT32_MAX;

void sched_keep_first_for_servers(void)
{
	if (processors_online <= 1)
		return;
	for_servers = processors[0].shares = 1;
	for_users = ~1u;
	for (unsigned i = 1; i < PROCESSORS_MAX; i++)
		processors[i].shares = for_users;
}

static uint32_t processors_for(const struct thread *thread)
{
	uint32_t kind;

	if (thread->task == &kernel_task)
		return UINT32_MAX;
	kind = thread->task->account->level == VM_PAGE_FOR_USER ? for_users : for_servers;
	return (kind & thread->processors) != 0 ? kind & thread->processors : kind;
}

static bool is_bound(const struct thread *thread)
{
	return thread->processors != UINT32_MAX;
}

bool sched_may_run_here(const struct thread *thread)
{
	return processors_for(thread) >> current_processor()->id & 1;
}

static int highest_in(const uint64_t bitmap[2])
{
	if (bitmap[1] != 0)
		return 127 - __builtin_clzll(bitmap[1]);
	if (bitmap[0] != 0)
		return 63 - __builtin_clzll(bitmap[0]);
	return -1;
}

/* Queue locked. */
static void queue_put(struct run_queue *queue, struct thread *thread, bool at_head)
{
	unsigned priority = thread->run_priority;

	if (at_head)
		list_add_head(&queue->threads[priority], &thread->run_link);
	else
		list_add_tail(&queue->threads[priority], &thread->run_link);
	queue->bitmap[priority / 64] |= 1ull << (priority % 64);
	queue->count++;
	if (!is_bound(thread) && queue->free[priority]++ == 0) {
		queue->free_bitmap[priority / 64] |= 1ull << (priority % 64);
		queue->highest_free = highest_in(queue->free_bitmap);
	}
	if (queue->highest < (int)priority)
		set_claim(queue, (int)priority, queue->slice_over);
}

/* Queue locked; the thread is on it. */
static void queue_take(struct run_queue *queue, struct thread *thread)
{
	unsigned priority = thread->run_priority;

	list_remove(&thread->run_link);
	if (list_empty(&queue->threads[priority])) {
		queue->bitmap[priority / 64] &= ~(1ull << (priority % 64));
		set_claim(queue, highest_in(queue->bitmap), queue->slice_over);
	}
	queue->count--;
	if (!is_bound(thread) && --queue->free[priority] == 0) {
		queue->free_bitmap[priority / 64] &= ~(1ull << (priority % 64));
		queue->highest_free = highest_in(queue->free_bitmap);
	}
}

/* The first of the highest threads; from another processor's queue of those that are not bound. Null: there is none. */
static struct thread *queue_pop(struct run_queue *queue, bool is_own)
{
	struct thread *thread = NULL;
	int highest;

	lock_acquire(&queue->lock);
	highest = is_own ? queue->highest : queue->highest_free;
	if (highest >= 0) {
		thread = container_of(queue->threads[highest].next, struct thread, run_link);
		while (!is_own && is_bound(thread))
			thread = container_of(thread->run_link.next, struct thread, run_link);
		queue_take(queue, thread);
	}
	lock_release(&queue->lock);
	return thread;
}

/* --- Several processors. */

/* A bit for each processor that idles and that nobody has chosen for a thread yet. */
static uint32_t idle_processors;

/* The processor is to look for threads, and nobody else needs to tell it. False: it does not idle, or is told. */
static bool claim_idle(const struct processor *processor)
{
	uint32_t bit = 1u << processor->id;

	/* Sequentially consistent, as in sched_run: it sees the thread, or we see it idle. */
	return (__atomic_load_n(&idle_processors, __ATOMIC_SEQ_CST) & bit) != 0 &&
	       (__atomic_fetch_and(&idle_processors, ~bit, __ATOMIC_SEQ_CST) & bit) != 0;
}

static struct processor *claim_any_idle(uint32_t among)
{
	uint32_t idle;

	while ((idle = __atomic_load_n(&idle_processors, __ATOMIC_SEQ_CST) & among) != 0) {
		struct processor *processor = &processors[__builtin_ctz(idle)];

		if (claim_idle(processor))
			return processor;
	}
	return NULL;
}

/*
 * Where a thread that becomes ready should run.
 *
 * Here, if no other waits here: who makes it ready most often waits next, for its answer, and then no other processor
 * need be woken for it. If it does not, one that idles is told when SPREAD_NS have passed (sched_spread). So is one
 * when a thread is put back at the head of the queue, for what it makes room for may be short.
 *
 * What an interrupt makes ready, and what finds another waiting here, goes to a processor that idles, first of all
 * where it ran last.
 *
 * If none idles it stays here, or in the second case where it ran last, unless what was scheduled there is no lower and
 * somewhere else it is. (Priorities are read without a lock: a stale one costs a look at the wrong processor.)
 */
static struct processor *choose_processor(struct thread *thread, bool put_back)
{
	struct processor *self = current_processor(), *home = thread->processor != NULL ? thread->processor : self, *best;
	uint32_t may;

	if (processors_online <= 1)
		return home;
	may = processors_for(thread);
	if (!(may >> home->id & 1))
		home = &processors[__builtin_ctz(may)];
	if ((may >> self->id & 1) && (put_back || (self->queue.count == 0 && !self->in_interrupt))) {
		home = self;
		if (self->idle || (__atomic_load_n(&idle_processors, __ATOMIC_RELAXED) & may) != 0)
			return home;
	} else {
		if (claim_idle(home))
			return home;
		best = claim_any_idle(may);
		if (best != NULL)
			return best;
	}
	best = home;
	for (unsigned i = 0; home->hold_priority >= thread->run_priority && i < processors_online; i++)
		if ((may >> i & 1) && processors[i].hold_priority < best->hold_priority)
			best = &processors[i];
	return best->hold_priority < thread->run_priority ? best : home;
}

/*
 * The current processor, with its queue, has threads that others could run: one that idles and is to be told, or null:
 * nobody idles, and who begins to looks itself.
 */
static struct processor *idle_for_queue(void)
{
	/* Its bit, then our queue; our queue, then its bit: one of the two sees the other's. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return claim_any_idle(current_processor()->shares);
}

static void tell(struct processor *processor)
{
	if (__builtin_expect(processor != NULL, 0))
		machine_kick(processor);
}

void sched_spread(void)
{
	struct processor *self = current_processor();

	self->spread_at = UINT64_MAX;
	if (self->queue.count != 0)
		tell(idle_for_queue());
}

/* Queue locked. */
static void set_held(struct run_queue *queue, bool held)
{
	queue->held = held;
	set_claim(queue, queue->highest, queue->slice_over);
}

/*
 * A thread that was just scheduled is not thrown out at once: what an interrupt makes ready waits until HOLD_NS are
 * over, though its priority be higher, unless it is the kernel's own. Else a program that makes short calls would lose
 * the processor to the servers of others at every interrupt of their disk. What the thread itself makes ready does not
 * wait.
 */
static bool must_wait(const struct processor *processor, unsigned priority)
{
	return processor->in_interrupt && processor == current_processor() && priority > processor->hold_priority &&
	       priority < PRIORITY_KERNEL && machine_now() < processor->hold_end;
}

void sched_hold_over(void)
{
	struct processor *processor = current_processor();
	struct run_queue *queue = &processor->queue;

	lock_acquire(&queue->lock);
	set_held(queue, false);
	if (queue->claim > (int)processor->thread->run_priority)
		processor->need_reschedule = true;
	lock_release(&queue->lock);
}

/* Queue locked. The running thread's slice counts when another thread waits for it to be over. */
static void arm_slice(struct processor *self)
{
	if (self->slice_end != UINT64_MAX && !self->queue.slice_over)
		timer_arm(self->slice_end);
}

void sched_kicked(void)
{
	struct processor *self = current_processor();

	lock_acquire(&self->queue.lock);
	if (self->idle || self->queue.claim > (int)self->thread->run_priority || !sched_may_run_here(self->thread))
		self->need_reschedule = true;
	else if (self->queue.count != 0)
		arm_slice(self);
	lock_release(&self->queue.lock);
}

/* Several processors; this one's queue has a thread more than before. Its lock has been let go. Whom to tell. */
static struct processor *share(struct processor *self, bool put_back)
{
	if (self->queue.count > 1 && !put_back)
		return idle_for_queue();
	__atomic_thread_fence(__ATOMIC_SEQ_CST); /* as in idle_for_queue */
	if (__atomic_load_n(&idle_processors, __ATOMIC_RELAXED) != 0) {
		self->spread_at = machine_now() + SPREAD_NS;
		timer_arm(self->spread_at);
	}
	return NULL;
}

enum place { LAST, FIRST, PUT_BACK }; /* among its equals; put back: before it has had its turn */

/*
 * Thread locked and READY; its run queue's lock is taken inside. Returns the processor to tell, or null: best when the
 * thread is unlocked, for that one takes the lock at once.
 */
static struct processor *enqueue(struct thread *thread, enum place place)
{
	struct processor *self = current_processor(), *processor = choose_processor(thread, place == PUT_BACK);
	struct run_queue *queue = &processor->queue;
	struct thread *running;

	thread->processor = processor;
	lock_acquire(&queue->lock);
	queue_put(queue, thread, place != LAST);
	if (processor != self) {
		/* What runs there is for it to look at (sched_kicked). */
		set_held(queue, false);
		lock_release(&queue->lock);
		return processor;
	}
	running = processor->thread;
	if (must_wait(processor, thread->run_priority)) {
		set_held(queue, true);
		timer_arm(processor->hold_end);
	} else if (processor->idle ||
		   (running != NULL && thread->run_priority + queue->slice_over > running->run_priority)) {
		set_held(queue, false);
		processor->need_reschedule = true;
	} else {
		arm_slice(processor);
	}
	lock_release(&queue->lock);
	return processors_online > 1 && !processor->idle ? share(processor, place == PUT_BACK) : NULL;
}

/* Thread locked: it has been put away, or is by whoever holds it (thread_release). Returns as enqueue. */
static struct processor *make_ready(struct thread *thread)
{
	if (thread->on_processor) {
		thread->state = THREAD_RUNNING;
		return NULL;
	}
	thread->state = THREAD_READY;
	return enqueue(thread, slice_comes_first(thread) ? FIRST : LAST);
}

void sched_enqueue(struct thread *thread)
{
	tell(make_ready(thread));
}

bool sched_dequeue(struct thread *thread)
{
	struct run_queue *queue = &thread->processor->queue;
	bool was_there;

	lock_acquire(&queue->lock);
	was_there = list_linked(&thread->run_link);
	if (was_there)
		queue_take(queue, thread);
	lock_release(&queue->lock);
	return was_there;
}

kern_return_t sched_bind(struct thread *thread, uint32_t among)
{
	const uint32_t all = (uint32_t)((1ull << processors_online) - 1);
	struct processor *other = NULL;

	if ((among & all) == 0)
		return KERN_INVALID_ARGUMENT;
	if (processors_online <= 1)
		return KERN_SUCCESS;
	lock_acquire(&thread->lock);
	if (thread->state == THREAD_READY && sched_dequeue(thread)) {
		thread->processors = (among & all) == all ? UINT32_MAX : among & all;
		other = enqueue(thread, LAST);
	} else {
		thread->processors = (among & all) == all ? UINT32_MAX : among & all;
		/* Where it runs, or is switched to next without a queue, it looks on its way to user mode. */
		thread->ast |= AST_BIND;
		if (thread->on_processor && thread->processor != current_processor())
			other = thread->processor;
	}
	lock_release(&thread->lock);
	tell(other);
	return KERN_SUCCESS;
}

void sched_set_priority(struct thread *thread, uint8_t run_priority)
{
	lock_acquire(&thread->lock);
	if (thread->run_priority != run_priority) {
		if (thread->state == THREAD_READY && sched_dequeue(thread)) {
			thread->run_priority = run_priority;
			tell(enqueue(thread, LAST));
		} else {
			thread->run_priority = run_priority;
			if (thread == current_thread() && sched_better_ready(run_priority))
				current_processor()->need_reschedule = true;
		}
	}
	lock_release(&thread->lock);
}

/*
 * The queue to take the next thread from: this processor's, unless another has a thread of higher priority, or one of
 * the same and not fewer. (Queues are read without their locks, as above.)
 */
static struct run_queue *best_queue(struct processor *self, int *priority)
{
	struct run_queue *best = &self->queue;

	*priority = best->highest;
	for (unsigned i = 0; processors_online > 1 && i < processors_online; i++) {
		struct run_queue *queue = &processors[i].queue;
		int highest = __atomic_load_n(&queue->highest_free, __ATOMIC_RELAXED);

		if (queue != &self->queue && highest >= 0 && (self->shares >> i & 1) &&
			(highest > *priority || (highest == *priority && queue->count >= best->count))) {
			best = queue;
			*priority = highest;
		}
	}
	return best;
}

/* Charges the time since the last scheduling. */
static void account(struct processor *processor, uint64_t now)
{
	struct thread *thread = processor->thread;

	if (thread != NULL) {
		thread = slice_payer(thread);
		/* Relaxed: a sum; two servers may have worked for one that was aborted meanwhile. */
		__atomic_fetch_add(&thread->user_ns, now - processor->switched_at, __ATOMIC_RELAXED);
		thread->paid_at = now;
	}
	processor->switched_at = now;
}

/*
 * The slice belongs to the thread that was scheduled, and goes with it into the servers that it calls (they are
 * switched to directly). So it stays over until the next scheduling: the thread goes behind its equals now, or, while a
 * server of higher priority works for it, when that replies (sched_better_ready). Alone it gets another slice, unless
 * another processor has one of its equals waiting: they take turns on all.
 */
void sched_slice_over(void)
{
	struct processor *processor = current_processor();
	struct run_queue *queue = &processor->queue;
	int waiting;

	/* Where nobody else wants the processor, this is when others see the thread's time pass. */
	account(processor, machine_now());
	lock_acquire(&queue->lock);
	slice_set_used(slice_payer(processor->thread), queue->count != 0 ? TIME_SLICE_NS : 0);
	if (queue->count != 0)
		set_claim(queue, queue->highest, true);
	/* With several processors another look is due when as much time has passed. */
	if (queue->count == 0 || processors_online > 1)
		processor->slice_end = machine_now() + TIME_SLICE_NS;
	(void)best_queue(processor, &waiting);
	if (waiting >= (int)processor->thread->run_priority)
		processor->need_reschedule = true;
	lock_release(&queue->lock);
}

void piece_over(void)
{
	struct processor *self = current_processor();

#ifdef PORTOLAN_DEBUG
	for (uint32_t i = 0; i < self->locks; i++)
		assert(self->locks_held[i]->rank < LOCK_RANK_PORT);
#endif
	self->piece_left = debug_chance(2) ? 0 : PIECE;
	if (!self->deferred.ready) /* at start there is nothing to interrupt for */
		return;
	deferred_hold();
	machine_take_interrupts();
	deferred_unhold();
	/* Messages of the handlers go by sched_run at the latest: not every work ends with a look at them. */
	if (self->deferred.pending)
		self->need_reschedule = true;
}

void sched_account(void)
{
	account(current_processor(), machine_now());
}

/* The thread that ended on this processor, once another one is current. */
static void free_ended(struct processor *processor)
{
	struct thread *ended = processor->to_free;

	processor->to_free = NULL;
	thread_deallocate(ended);
}

/* Switches to a thread that is RUNNING by name already. */
static inline void become(struct thread *thread)
{
	struct processor *processor = current_processor();

	machine_switch_to(thread);
	if (processor->to_free != NULL)
		free_ended(processor);
	/* A wait that ended early leaves its timer behind. */
	if (thread->wait_timer.processor != NULL)
		timer_cancel(&thread->wait_timer);
}

/* And goes on where it left off. */
static _Noreturn void run_thread(struct thread *thread)
{
	continuation_t continuation = thread->continuation;

	become(thread);
	if (continuation != NULL) {
		thread->continuation = NULL;
		piece_spend(CONTINUATION_COST); /* one may follow the other for long, and none enter user mode */
		continuation(thread);
	}
	thread_leave_kernel(thread);
}

void sched_run(void)
{
	struct processor *processor = current_processor();
	uint32_t bit = 1u << processor->id;
	struct run_queue *queue;
	struct thread *thread;
	int priority;
	uint64_t now;

	if (__builtin_expect(kalloc_trim_wanted, 0))
		kalloc_trim_wake();
	now = machine_now();
	account(processor, now);
	for (;;) {
		processor->need_reschedule = false;
		deferred_run();
		queue = best_queue(processor, &priority);
		thread = queue_pop(queue, queue == &processor->queue);
		if (thread != NULL)
			break;
		if (queue != &processor->queue) /* somebody was faster */
			continue;
		/* Nothing to do: the idle thread stands in, so that interrupts find a current thread. */
		if (!processor->idle) {
			machine_switch_to(processor->idle_thread);
			processor->slice_end = UINT64_MAX;
			processor->idle = true;
			if (processor->to_free != NULL)
				free_ended(processor);
			continue;
		}
		if (processors_online > 1 && !(__atomic_load_n(&idle_processors, __ATOMIC_RELAXED) & bit)) {
			/* Sequentially consistent: enqueue() of another processor sees this, or we see its thread. */
			__atomic_fetch_or(&idle_processors, bit, __ATOMIC_SEQ_CST);
			continue;
		}
		machine_idle();
	}
	if (processor->idle) {
		uint64_t idle_since = now;

		processor->idle = false;
		if (processors_online > 1)
			__atomic_fetch_and(&idle_processors, ~bit, __ATOMIC_RELAXED);
		now = machine_now();
		count_events(idle_ns, now - idle_since); /* interrupts that came meanwhile included */
		processor->switched_at = processor->idle_until = now;
	}
	lock_acquire(&thread->lock);
	thread->state = THREAD_RUNNING;
	thread->on_processor = true;
	thread->processor = processor;
	lock_release(&thread->lock);
	processor->slice_end = now + slice_left(thread);
	processor->hold_end = now + HOLD_NS;
	processor->hold_priority = thread->run_priority;
	lock_acquire(&processor->queue.lock);
	processor->queue.held = false;
	set_claim(&processor->queue, processor->queue.highest, false);
	lock_release(&processor->queue.lock);
	if (processor->queue.count != 0 || processors_online > 1)
		timer_arm(processor->slice_end);
	run_thread(thread);
}

static void run_on_fresh_stack(void *)
{
	sched_run();
}

/*
 * With several processors, before the current thread is let go of: from then on another one may run it, so nothing of
 * it is left here, neither live registers nor as the current thread.
 */
static inline void put_away(struct thread *self)
{
	struct processor *processor = current_processor();

	if (__builtin_expect(processors_online > 1, 0)) {
		account(processor, machine_now());
		machine_put_away(self);
		processor->thread = processor->idle_thread;
	}
}

/* Debug builds: what a thread looks like that lets go of its processor (locked), or enters user mode. */
static inline void check_state(const struct thread *self)
{
#ifdef PORTOLAN_DEBUG
	assert(current_processor()->locks <= (self->lock.held != 0));
	assert(self->on_processor && self->processor == current_processor() && !list_linked(&self->run_link));
	assert(self->state == (self->wait_kind != WAIT_NONE ? THREAD_WAITING : THREAD_RUNNING) ||
		self->state == THREAD_STOPPED || self->state == THREAD_DEAD);
#else
	(void)self;
#endif
}

/*
 * The current thread leaves the processor; if it does not wait it becomes ready, at that place. Once it waits or has
 * stopped, its registers are settled: those who suspended it and want to see them wait for that (thread_user.c).
 */
static inline void leave_processor(struct thread *self, continuation_t continuation, enum place place)
{
	struct processor *other = NULL;
	bool awaited = false;

	/* Whoever ended it when it did not wait yet leaves it to itself not to. */
	if (__builtin_expect(self->ast & AST_TERMINATE, 0))
		thread_end_wait(self);
	put_away(self);
	lock_acquire(&self->lock);
	check_state(self);
	self->continuation = continuation;
	self->on_processor = false;
	if (self->state == THREAD_RUNNING) { /* did not wait, or was woken since it said so */
		self->state = THREAD_READY;
		other = enqueue(self, place);
	} else {
		awaited = self->suspend_count != 0;
	}
	lock_release(&self->lock);
	tell(other);
	if (__builtin_expect(awaited, 0))
		thread_wakeup(&self->suspend_count);
}

void thread_block(continuation_t continuation)
{
	leave_processor(current_thread(), continuation, LAST);
	machine_call_on_fresh_stack(run_on_fresh_stack, NULL);
}

void thread_handoff(struct thread *to, continuation_t continuation)
{
	debug_assert(to->state == THREAD_RUNNING && to->processor == current_processor());
	leave_processor(current_thread(), continuation, LAST);
	/* On the same stack: what hands over goes on in user mode, or blocks on a fresh one, after a switch or two. */
	run_thread(to);
}

void thread_become(struct thread *to, continuation_t continuation)
{
	leave_processor(current_thread(), continuation, LAST);
	become(to);
	to->continuation = NULL;
}

static struct processor *go(struct thread *thread, enum wait_result result)
{
	thread->wait_result = result;
	thread->wait_kind = WAIT_NONE;
	return make_ready(thread);
}

void thread_go_locked(struct thread *thread, enum wait_result result)
{
	tell(go(thread, result));
}

static inline bool end_wait(struct thread *thread, enum wait_result result, bool ipc_only)
{
	struct processor *other = NULL;
	bool went;

	lock_acquire(&thread->lock);
	went = thread->state == THREAD_WAITING;
	if (ipc_only && (thread->wait_kind == WAIT_EVENT ||
				(result == WAIT_TIMED_OUT && thread->wait_deadline > machine_now())))
		went = false;
	if (went)
		other = go(thread, result);
	lock_release(&thread->lock);
	tell(other);
	return went;
}

bool thread_go(struct thread *thread, enum wait_result result)
{
	return end_wait(thread, result, false);
}

bool thread_end_ipc_wait(struct thread *thread, enum wait_result result)
{
	return end_wait(thread, result, true);
}

/*
 * Where a thread goes that is preempted: within its slice first among its equals, else last. (One that runs on in the
 * slice of a server that answered it may have used up its own.)
 */
static enum place place_of_preempted(struct processor *processor, struct thread *self)
{
	uint64_t now = machine_now();

	account(processor, now);
	if (processor->queue.slice_over || processor->slice_end <= now)
		return LAST;
	return self->run_priority <= PRIORITY_USER && slice_used(slice_payer(self)) >= TIME_SLICE_NS ? LAST : PUT_BACK;
}

void thread_leave_kernel(struct thread *self)
{
	struct processor *processor = current_processor();

	if (__builtin_expect(self->ast != 0, 0)) {
		if (self->ast & AST_TERMINATE)
			thread_exit_self(self);
		lock_acquire(&self->lock);
		self->ast &= ~(uint32_t)AST_ABORT;
		if (self->suspend_count != 0) {
			self->state = THREAD_STOPPED;
			lock_release(&self->lock);
			thread_block(NULL);
		}
		if ((self->ast & AST_BIND) && !sched_may_run_here(self))
			processor->need_reschedule = true;
		self->ast &= ~(uint32_t)(AST_SUSPEND | AST_REGISTERS | AST_BIND);
		lock_release(&self->lock);
	}
	check_state(self);
	if ((processor->need_reschedule || debug_chance(16)) && self->task != &kernel_task) {
		leave_processor(self, NULL, place_of_preempted(processor, self));
		machine_call_on_fresh_stack(run_on_fresh_stack, NULL);
	}
	machine_return_to_user(self);
}
