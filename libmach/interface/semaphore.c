/*
 * Semaphores. The task that has made one keeps its count and who waits, in order of arrival; its own threads work on
 * that directly, and wait on words of theirs. Another task that has got a send right calls, and a thread here answers
 * when its turn comes: a caller that has gone or was aborted meanwhile cannot be answered, and the next one's turn
 * comes.
 */
#include <mach/semaphore_calls_server.h>
#include <mach/semaphore_calls_user.h>
#include <mach/server.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#define BUCKETS 64

/* One who waits: a thread of this task (reply null), on its stack; or the right to answer a call, allocated. */
struct waiter {
	struct waiter *next;
	mach_port_t reply;
	uint32_t done; /* 1: `result` is valid */
	kern_return_t result;
};

struct semaphore {
	struct semaphore *next; /* in its bucket */
	mach_port_t port;
	int count;
	bool last_first; /* SYNC_POLICY_REVERSED */
	struct waiter *first, **last;
};

/* All that follows is under it. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct semaphore *buckets[BUCKETS];
static mach_port_t served; /* the set of their ports, served by a thread */

static const struct mig_subsystem *const subsystems[] = {&semaphore_calls_subsystem, NULL};

static struct semaphore **find(mach_port_t port)
{
	struct semaphore **at = &buckets[(port >> 8) % BUCKETS];

	while (*at != NULL && (*at)->port != port)
		at = &(*at)->next;
	return at;
}

static void enqueue(struct semaphore *s, struct waiter *waiter)
{
	if (s->last_first) {
		waiter->next = s->first;
		s->first = waiter;
		if (waiter->next == NULL)
			s->last = &waiter->next;
		return;
	}
	waiter->next = NULL;
	*s->last = waiter;
	s->last = &waiter->next;
}

static void dequeue(struct semaphore *s, struct waiter *waiter)
{
	struct waiter **at = &s->first;

	while (*at != waiter)
		at = &(*at)->next;
	*at = waiter->next;
	if (s->last == &waiter->next)
		s->last = at;
}

/* The first who waits goes on with the result. False: there is none. */
static bool release_one(struct semaphore *s, kern_return_t result)
{
	struct waiter *waiter;

	while ((waiter = s->first) != NULL) {
		const mach_port_t reply = waiter->reply;
		bool gone;

		dequeue(s, waiter);
		if (reply == MACH_PORT_NULL) {
			waiter->result = result;
			__atomic_store_n(&waiter->done, 1, __ATOMIC_RELEASE);
			/* From here on its stack may be used for something else: the word is only a place to look for
			 * sleepers. */
			mach_word_wake(&waiter->done, 1, 0);
			return true;
		}
		free(waiter);
		gone = semaphore_call_wait_reply(reply, result) != KERN_SUCCESS;
		if (!gone)
			return true;
		mach_port_deallocate(mach_task_self(), reply);
	}
	return false;
}

static void signal_locked(struct semaphore *s, bool all)
{
	if (!all) {
		if (!release_one(s, KERN_SUCCESS))
			s->count++;
		return;
	}
	while (release_one(s, KERN_SUCCESS))
		;
	s->count = 0;
}

kern_return_t semaphore_create(task_t task, semaphore_t *semaphore, int policy, int value)
{
	struct semaphore *s;
	kern_return_t result = KERN_SUCCESS;

	if (task != mach_task_self() || value < 0 || policy < SYNC_POLICY_FIFO || policy > SYNC_POLICY_REVERSED)
		return KERN_INVALID_ARGUMENT;
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return KERN_RESOURCE_SHORTAGE;
	s->count = value;
	s->last_first = policy == SYNC_POLICY_REVERSED;
	s->last = &s->first;
	pthread_mutex_lock(&lock);
	if (served == MACH_PORT_NULL) {
		result = mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &served);
		if (result == KERN_SUCCESS) {
			result = mach_server_start_threads(served, subsystems, 1);
			if (result != KERN_SUCCESS) {
				mach_port_destroy(mach_task_self(), served);
				served = MACH_PORT_NULL;
			}
		}
	}
	if (result == KERN_SUCCESS)
		result = mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &s->port);
	if (result == KERN_SUCCESS) {
		result = mach_port_insert_right(mach_task_self(), s->port, s->port, MACH_MSG_TYPE_MAKE_SEND);
		if (result == KERN_SUCCESS)
			result = mach_port_move_member(mach_task_self(), s->port, served);
		if (result != KERN_SUCCESS)
			mach_port_destroy(mach_task_self(), s->port);
	}
	if (result == KERN_SUCCESS) {
		*find(s->port) = s;
		*semaphore = s->port;
	}
	pthread_mutex_unlock(&lock);
	if (result != KERN_SUCCESS)
		free(s);
	return result;
}

/* Who waits gets KERN_TERMINATED. */
kern_return_t semaphore_destroy(task_t task, semaphore_t semaphore)
{
	struct semaphore **at, *s;

	pthread_mutex_lock(&lock);
	at = find(semaphore);
	s = *at;
	if (s != NULL && task == mach_task_self()) {
		*at = s->next;
		while (release_one(s, KERN_TERMINATED))
			;
		mach_port_mod_refs(mach_task_self(), s->port, MACH_PORT_RIGHT_RECEIVE, -1);
		mach_port_deallocate(mach_task_self(), s->port);
		free(s);
	}
	pthread_mutex_unlock(&lock);
	return s != NULL && task == mach_task_self() ? KERN_SUCCESS : KERN_INVALID_ARGUMENT;
}

/* The result of a call to the maker of a semaphore, in the words of semaphores. */
static kern_return_t of_call(semaphore_t semaphore, kern_return_t result)
{
	mach_port_type_t type;

	switch (result) {
	case MACH_SEND_INVALID_DEST:
		/* A right to one that is no more is a dead name, or has just become one. */
		return mach_port_type(mach_task_self(), semaphore, &type) == KERN_SUCCESS &&
				       (type & (MACH_PORT_TYPE_DEAD_NAME | MACH_PORT_TYPE_SEND))
			       ? KERN_TERMINATED
			       : KERN_INVALID_ARGUMENT;
	case MIG_SERVER_DIED:
		return KERN_TERMINATED;
	case MIG_BAD_ID:
		return KERN_INVALID_ARGUMENT;
	case MACH_SEND_INTERRUPTED:
	case MACH_RCV_INTERRUPTED:
		return KERN_ABORTED;
	default:
		return result;
	}
}

static kern_return_t signal_it(semaphore_t semaphore, bool all)
{
	struct semaphore *s;

	pthread_mutex_lock(&lock);
	s = *find(semaphore);
	if (s != NULL)
		signal_locked(s, all);
	pthread_mutex_unlock(&lock);
	return s != NULL ? KERN_SUCCESS : of_call(semaphore, semaphore_call_signal(semaphore, all));
}

kern_return_t semaphore_signal(semaphore_t semaphore)
{
	return signal_it(semaphore, false);
}

kern_return_t semaphore_signal_all(semaphore_t semaphore)
{
	return signal_it(semaphore, true);
}

/* Until the deadline (ns since boot). With `also`: signals that one when the thread waits for the first, or has it. */
static kern_return_t wait_until(semaphore_t semaphore, uint64_t deadline, semaphore_t also)
{
	struct waiter waiter = {.reply = MACH_PORT_NULL};
	struct semaphore *s, *other = NULL;
	kern_return_t result = KERN_SUCCESS;
	bool waits = false;

	pthread_mutex_lock(&lock);
	s = *find(semaphore);
	if (also != MACH_PORT_NULL)
		other = *find(also);
	if (s != NULL && (also == MACH_PORT_NULL || other != NULL)) {
		waits = s->count == 0;
		if (waits)
			enqueue(s, &waiter);
		else
			s->count--;
		if (other != NULL)
			signal_locked(other, false);
	}
	pthread_mutex_unlock(&lock);
	if (s == NULL || (also != MACH_PORT_NULL && other == NULL)) {
		/* One of another task's: it keeps no time for us, and nothing joins two calls. */
		if (deadline != MACH_DEADLINE_NONE || also != MACH_PORT_NULL)
			return KERN_INVALID_ARGUMENT;
		return of_call(semaphore, semaphore_call_wait(semaphore));
	}
	while (waits && __atomic_load_n(&waiter.done, __ATOMIC_ACQUIRE) == 0) {
		result = mach_word_wait(&waiter.done, 0, deadline, 0);
		if (result != KERN_TIMEDOUT && result != KERN_INTERRUPTED)
			continue;
		pthread_mutex_lock(&lock);
		waits = waiter.done == 0;
		if (waits)
			dequeue(s, &waiter);
		pthread_mutex_unlock(&lock);
		if (waits)
			return result == KERN_TIMEDOUT ? KERN_OPERATION_TIMED_OUT : KERN_ABORTED;
	}
	return waiter.done ? waiter.result : KERN_SUCCESS;
}

/* Of a time from now; false: it is none. */
static bool deadline_of(mach_timespec_t time, uint64_t *deadline)
{
	if (BAD_MACH_TIMESPEC(&time))
		return false;
	*deadline = mach_clock_monotonic() + time.tv_sec * NSEC_PER_SEC + (uint64_t)time.tv_nsec;
	return true;
}

kern_return_t semaphore_wait(semaphore_t semaphore)
{
	return wait_until(semaphore, MACH_DEADLINE_NONE, MACH_PORT_NULL);
}

kern_return_t semaphore_timedwait(semaphore_t semaphore, mach_timespec_t time)
{
	uint64_t deadline;

	return deadline_of(time, &deadline) ? wait_until(semaphore, deadline, MACH_PORT_NULL) : KERN_INVALID_VALUE;
}

kern_return_t semaphore_wait_signal(semaphore_t wait_for, semaphore_t also)
{
	return also != MACH_PORT_NULL ? wait_until(wait_for, MACH_DEADLINE_NONE, also) : KERN_INVALID_ARGUMENT;
}

kern_return_t semaphore_timedwait_signal(semaphore_t wait_for, semaphore_t also, mach_timespec_t time)
{
	uint64_t deadline;

	if (!deadline_of(time, &deadline))
		return KERN_INVALID_VALUE;
	return also != MACH_PORT_NULL ? wait_until(wait_for, deadline, also) : KERN_INVALID_ARGUMENT;
}

/* --- For other tasks. */

kern_return_t S_semaphore_call_signal(mach_port_t semaphore, boolean_t all)
{
	struct semaphore *s;

	pthread_mutex_lock(&lock);
	s = *find(semaphore);
	if (s != NULL)
		signal_locked(s, all);
	pthread_mutex_unlock(&lock);
	return s != NULL ? KERN_SUCCESS : KERN_TERMINATED;
}

kern_return_t S_semaphore_call_wait(mach_port_t semaphore)
{
	struct semaphore *s;
	struct waiter *waiter;
	kern_return_t result = KERN_SUCCESS;

	pthread_mutex_lock(&lock);
	s = *find(semaphore);
	if (s == NULL) {
		result = KERN_TERMINATED;
	} else if (s->count > 0) {
		s->count--;
	} else if ((waiter = calloc(1, sizeof(*waiter))) == NULL) {
		result = KERN_RESOURCE_SHORTAGE;
	} else {
		waiter->reply = mach_reply_defer();
		if (waiter->reply != MACH_PORT_NULL) {
			enqueue(s, waiter);
			result = MIG_NO_REPLY;
		} else { /* one-way: nobody to let go on */
			free(waiter);
			result = KERN_INVALID_ARGUMENT;
		}
	}
	pthread_mutex_unlock(&lock);
	return result;
}
