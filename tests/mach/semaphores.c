/* Semaphores, within a task and between two; alarms. */
#include "cases.h"

#include <mach/semaphore_calls_user.h>
#include <pthread.h>

static semaphore_t semaphore;
static uint32_t woken;

static mach_port_t waiter;

static void *waits(void *result)
{
	__atomic_store_n(&waiter, mach_thread_self(), __ATOMIC_SEQ_CST);
	*(kern_return_t *)result = semaphore_wait(semaphore);
	__atomic_add_fetch(&woken, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

/* Until the thread waits: so what comes next finds it waiting. */
static void until_it_waits(const mach_port_t *thread)
{
	struct thread_basic_info info = {0};

	while (info.run_state != TH_STATE_WAITING) {
		mach_msg_type_number_t count = THREAD_BASIC_INFO_COUNT;
		const mach_port_t port = __atomic_load_n(thread, __ATOMIC_SEQ_CST);

		nap(1);
		if (port != MACH_PORT_NULL)
			thread_info(port, THREAD_BASIC_INFO, (thread_info_t)&info, &count);
	}
}

static volatile uint64_t child_result;

/* A child has only traps: the call of another task's semaphore by hand. */
static void child_waits(uint64_t port)
{
	uint64_t word[8] = {0};
	kern_return_t result = mach_call_words((mach_port_t)port, MIG_ID_semaphore_call_wait, word, 0);

	child_result = 0x100 | (uint64_t)(result != KERN_SUCCESS ? result : (kern_return_t)word[0]);
	for (;;)
		thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, 1000);
}

static void between_tasks(void)
{
	struct child child, other;

	semaphore_create(self, &semaphore, SYNC_POLICY_FIFO, 0);
	if (!child_create(&child, child_waits, semaphore, semaphore) ||
		!child_create(&other, child_waits, semaphore, semaphore))
		return;
	thread_resume(child.thread);
	until_it_waits(&child.thread);
	thread_resume(other.thread);
	until_it_waits(&other.thread);
	/* The first has gone before its turn came: it is the second's. */
	child_end(&child);
	CASE(semaphore_signal, (semaphore), KERN_SUCCESS, "another task's thread, the first having ended");
	check_is("semaphore_wait: of another task's thread", child_word_not(&other, &child_result, 0), 0x100);
	CASE(semaphore_timedwait, (semaphore, ((mach_timespec_t){0, 0})), KERN_OPERATION_TIMED_OUT,
		"the one signal is used up");
	child_end(&other);
	if (!child_create(&child, child_waits, semaphore, semaphore))
		return;
	thread_resume(child.thread);
	until_it_waits(&child.thread);
	semaphore_destroy(self, semaphore);
	check_is("semaphore_destroy: another task's thread hears of it", child_word_not(&child, &child_result, 0),
		0x100 | KERN_TERMINATED);
	child_end(&child);
}

static void alarms(void)
{
	struct words_message got = {0};
	clock_serv_t clock = MACH_PORT_NULL;
	mach_port_t port = new_port();
	uint64_t before = mach_absolute_time();

	host_get_clock_service(host, SYSTEM_CLOCK, &clock);
	CASE(clock_alarm, (clock, TIME_RELATIVE, ((mach_timespec_t){0, 3000000}), port), KERN_SUCCESS, "in 3 ms");
	check_is("clock_alarm: it comes", receive_words(port, &got, PATIENCE), MACH_MSG_SUCCESS);
	check_is("clock_alarm: as a clock_alarm_reply", got.header.msgh_id, 3125107);
	check_is("clock_alarm: not before", mach_absolute_time() - before >= 3000000, 1);
	CASE(clock_alarm, (clock, TIME_ABSOLUTE, ((mach_timespec_t){0, 1}), port), KERN_SUCCESS, "in the past");
	check_is("clock_alarm: it comes at once", receive_words(port, &got, PATIENCE), MACH_MSG_SUCCESS);
	CASE(clock_alarm, (clock, 7, ((mach_timespec_t){0, 1}), port), KERN_INVALID_VALUE, "no type");
	CASE(clock_alarm, (clock, TIME_ABSOLUTE, ((mach_timespec_t){0, -1}), port), KERN_INVALID_VALUE, "no time");
	CASE(clock_alarm, (self, TIME_ABSOLUTE, ((mach_timespec_t){0, 1}), port), KERN_INVALID_ARGUMENT, "no clock");
	CASE(clock_alarm, (clock, TIME_ABSOLUTE, ((mach_timespec_t){0, 1}), host), KERN_INVALID_CAPABILITY,
		"where nothing can be received");
	mach_port_deallocate(self, clock);
	free_port(port);
}

void test_semaphores_of_mach(void)
{
	kern_return_t results[3] = {KERN_FAILURE, KERN_FAILURE, KERN_FAILURE};
	pthread_t threads[3];
	semaphore_t other = MACH_PORT_NULL;

	CASE(semaphore_create, (self, &semaphore, SYNC_POLICY_FIFO, 1), KERN_SUCCESS, "of one");
	CASE(semaphore_create, (self, &other, SYNC_POLICY_REVERSED, 0), KERN_SUCCESS, "of none");
	CASE(semaphore_create, (self, &other, SYNC_POLICY_FIFO, -1), KERN_INVALID_ARGUMENT, "of less than none");
	CASE(semaphore_create, (self, &other, 99, 1), KERN_INVALID_ARGUMENT, "no policy");
	CASE(semaphore_create, (host, &other, SYNC_POLICY_FIFO, 1), KERN_INVALID_ARGUMENT, "of another task");
	CASE(semaphore_wait, (semaphore), KERN_SUCCESS, "there is one");
	CASE(semaphore_timedwait, (semaphore, ((mach_timespec_t){0, 2000000})), KERN_OPERATION_TIMED_OUT,
		"there is none");
	CASE(semaphore_timedwait, (semaphore, ((mach_timespec_t){0, -1})), KERN_INVALID_VALUE, "no time");
	CASE(semaphore_signal, (semaphore), KERN_SUCCESS, "nobody waits");
	CASE(semaphore_timedwait, (semaphore, ((mach_timespec_t){0, 0})), KERN_SUCCESS, "there is one again");
	CASE(semaphore_timedwait_signal, (semaphore, other, ((mach_timespec_t){0, 1000000})), KERN_OPERATION_TIMED_OUT,
		"there is none");
	CASE(semaphore_timedwait_signal, (semaphore, other, ((mach_timespec_t){0, -1})), KERN_INVALID_VALUE, "no time");
	CASE(semaphore_wait_signal, (other, semaphore), KERN_SUCCESS, "the other was signalled");
	CASE(semaphore_wait, (semaphore), KERN_SUCCESS, "so was this one");
	CASE(semaphore_wait_signal, (semaphore, NO_NAME), KERN_INVALID_ARGUMENT, "what is none");
	CASE(semaphore_wait, (NO_NAME), KERN_INVALID_ARGUMENT, "what is none");
	CASE(semaphore_signal, (self), KERN_INVALID_ARGUMENT, "a task");
	CASE(semaphore_signal, (NO_NAME), KERN_INVALID_ARGUMENT, "what is none");
	for (unsigned i = 0; i < 3; i++) {
		waiter = MACH_PORT_NULL;
		pthread_create(&threads[i], NULL, waits, &results[i]);
		until_it_waits(&waiter);
	}
	CASE(semaphore_signal, (semaphore), KERN_SUCCESS, "one of three");
	check_is("semaphore_signal: one goes on", wait_until_is(&woken, 1), 1);
	nap(20);
	check_is("semaphore_signal: no more", woken, 1);
	CASE(semaphore_signal_all, (semaphore), KERN_SUCCESS, "the others");
	check_is("semaphore_signal_all: they go on", wait_until_is(&woken, 3), 3);
	CASE(semaphore_signal_all, (NO_NAME), KERN_INVALID_ARGUMENT, "what is none");
	for (unsigned i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	check_is("semaphore_wait: all three", results[0] + results[1] + results[2], KERN_SUCCESS);
	waiter = MACH_PORT_NULL;
	pthread_create(&threads[0], NULL, waits, &results[0]);
	until_it_waits(&waiter);
	CASE(semaphore_destroy, (self, semaphore), KERN_SUCCESS, "one at which a thread waits");
	pthread_join(threads[0], NULL);
	check_is("semaphore_wait: it has ended", results[0], KERN_TERMINATED);
	CASE(semaphore_destroy, (self, semaphore), KERN_INVALID_ARGUMENT, "what is gone");
	CASE(semaphore_destroy, (self, other), KERN_SUCCESS, "the other");
	between_tasks();
	alarms();
}
