/* Waiting: the event hash, time-outs, and the hand-over between a waiter and who wakes it. */
#include <kern/thread.h>

#include <kern/checked.h>
#include <kern/piece.h>

#define WAIT_BUCKETS 256

/* Waiters woken in one hold of their bucket's lock, and about what one takes (kern/piece.h). */
#define WAKE_PIECE 16
#define WAKE_COST  400

/* Waiters of all events that hash here, in order of arrival. */
static struct wait_bucket {
	struct lock lock;
	struct list waiters;
} wait_buckets[WAIT_BUCKETS];

void wait_init(void)
{
	for (unsigned i = 0; i < WAIT_BUCKETS; i++) {
		lock_init(&wait_buckets[i].lock, LOCK_RANK_WAIT);
		list_init(&wait_buckets[i].waiters);
	}
}

static struct wait_bucket *bucket_of(const void *event, uint64_t word)
{
	/* 2^64 / golden ratio: Knuth, TAOCP 3, 6.4. */
	uint64_t h = ((uint64_t)(uintptr_t)event + (word << 17)) * 0x9e3779b97f4a7c15ull;

	return &wait_buckets[h >> 56];
}

/*
 * The deadline of a wait. The timer may belong to an earlier wait that ended without cancelling it; the thread's own
 * deadline tells.
 */
static void wait_timed_out(struct timer *timer)
{
	struct thread *thread = container_of(timer, struct thread, wait_timer);

	if (thread->wait_kind == WAIT_EVENT)
		thread_end_event_wait(thread, WAIT_TIMED_OUT);
	else
		thread_end_ipc_wait(thread, WAIT_TIMED_OUT);
}

void thread_set_wait_timer(struct thread *self, uint64_t deadline)
{
	if (self->wait_timer.fn == NULL)
		timer_init(&self->wait_timer, wait_timed_out);
	timer_set(&self->wait_timer, deadline);
}

static void wait_on(const void *event, uint64_t word, bool interruptible, uint64_t deadline)
{
	struct thread *self = current_thread();
	struct wait_bucket *bucket = bucket_of(event, word);

	/*
	 * The thread is WAITING before it can be found, and found only under the bucket's lock. The timer is set last,
	 * for its lock ranks below the bucket's.
	 */
	lock_acquire(&bucket->lock);
	self->wait_event = event;
	self->wait_word = word;
	thread_will_wait(WAIT_EVENT, interruptible, UINT64_MAX);
	self->wait_deadline = deadline;
	list_add_tail(&bucket->waiters, &self->wait_link);
	lock_release(&bucket->lock);
	if (deadline != UINT64_MAX)
		thread_set_wait_timer(self, deadline);
}

void assert_wait(const void *event, bool interruptible, uint64_t deadline)
{
	wait_on(event, 0, interruptible, deadline);
}

static const void *event_of(const struct word_key *key)
{
	return (const void *)(uintptr_t)key->id;
}

void assert_wait_word(const struct word_key *key, uint64_t deadline)
{
	wait_on(event_of(key), key->word, true, deadline);
}

/* A time-out is for a wait whose time has come, an abort for one that lets itself be interrupted. Locked. */
static bool may_end(const struct thread *thread, enum wait_result result)
{
	if (result == WAIT_TIMED_OUT)
		return thread->wait_deadline <= machine_now();
	return result != WAIT_INTERRUPTED || thread->wait_interruptible || (thread->ast & AST_TERMINATE);
}

/*
 * Takes a thread off the event it waits for, if it still does, and ends its wait. What it waits for it says before it
 * says, under its lock, that it waits; so what is found there under that lock is true, and stays so.
 */
bool thread_end_event_wait(struct thread *thread, enum wait_result result)
{
	for (;;) {
		const void *event = __atomic_load_n(&thread->wait_event, __ATOMIC_RELAXED);
		uint64_t word = __atomic_load_n(&thread->wait_word, __ATOMIC_RELAXED);
		struct wait_bucket *bucket = bucket_of(event, word);
		bool waits, elsewhere, went = false;

		lock_acquire(&bucket->lock);
		lock_acquire(&thread->lock);
		waits = thread->state == THREAD_WAITING && thread->wait_kind == WAIT_EVENT;
		/* It waits for another by now: look there. While it waits for this one, its bucket is locked. */
		elsewhere = waits && (thread->wait_event != event || thread->wait_word != word);
		if (waits && !elsewhere && may_end(thread, result)) {
			list_remove(&thread->wait_link);
			thread_go_locked(thread, result);
			went = true;
		}
		lock_release(&thread->lock);
		lock_release(&bucket->lock);
		if (!elsewhere)
			return went;
	}
}

bool thread_cancel_wait(struct thread *self)
{
	return self->wait_kind == WAIT_EVENT ? thread_end_event_wait(self, WAIT_AWAKENED)
					     : thread_go(self, WAIT_AWAKENED);
}

static unsigned wake(const void *event, uint64_t word, unsigned most)
{
	struct wait_bucket *bucket = bucket_of(event, word);
	struct list *link, *following;
	unsigned woken = 0;

	lock_acquire(&bucket->lock);
	list_for_each_safe (link, following, &bucket->waiters) {
		struct thread *thread = container_of(link, struct thread, wait_link);

		if (woken == most)
			break;
		if (thread->wait_event != event || thread->wait_word != word)
			continue;
		list_remove(link);
		if (thread_go(thread, WAIT_AWAKENED))
			woken++;
	}
	lock_release(&bucket->lock);
	return woken;
}

void thread_wakeup(const void *event)
{
	/* Who comes to wait in between is woken for nothing, and looks again. */
	while (wake(event, 0, WAKE_PIECE) == WAKE_PIECE)
		piece_spend(WAKE_PIECE * WAKE_COST);
}

unsigned thread_wakeup_word(const struct word_key *key, unsigned most)
{
	return wake(event_of(key), key->word, most);
}

unsigned thread_requeue(const struct word_key *from, const struct word_key *to, unsigned most)
{
	struct wait_bucket *source = bucket_of(event_of(from), from->word);
	struct wait_bucket *target = bucket_of(event_of(to), to->word);
	struct list *link, *following;
	unsigned moved = 0;

	if (from->id == to->id && from->word == to->word)
		return 0;
	/* Two buckets: by address. */
	if (source == target) {
		lock_acquire(&source->lock);
	} else {
		lock_acquire(source < target ? &source->lock : &target->lock);
		lock_acquire_nested(source < target ? &target->lock : &source->lock);
	}
	list_for_each_safe (link, following, &source->waiters) {
		struct thread *thread = container_of(link, struct thread, wait_link);

		if (moved == most)
			break;
		if (thread->wait_event != event_of(from) || thread->wait_word != from->word)
			continue;
		list_remove(link);
		thread->wait_event = event_of(to);
		thread->wait_word = to->word;
		list_add_tail(&target->waiters, link);
		moved++;
	}
	if (source != target)
		lock_release(&target->lock);
	lock_release(&source->lock);
	return moved;
}
