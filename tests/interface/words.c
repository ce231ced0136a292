/* Waiting on a word of memory, and the C library's locks on top of it. */
#include "test.h"

#include <pthread.h>

static uint32_t word, other, woken, coming;

static void wait_once(uint64_t unused)
{
	(void)unused;
	__atomic_fetch_add(&coming, 1, __ATOMIC_SEQ_CST);
	while (mach_word_wait(&word, 0, MACH_DEADLINE_NONE, 0) != KERN_SUCCESS)
		;
	__atomic_fetch_add(&woken, 1, __ATOMIC_SEQ_CST);
}

static void waits_and_wakes(void)
{
	word = 5;
	check_is("a word that differs does not wait", mach_word_wait(&word, 4, MACH_DEADLINE_NONE, 0), KERN_FAILURE);
	check_is("a wait ends at its deadline", mach_word_wait(&word, 5, mach_clock_monotonic() + 20000000, 0),
		KERN_TIMEDOUT);
	check_is("with no waiter nobody is woken", mach_word_wake(&word, 1, 0), 0);
	check("a word need be aligned", mach_word_wake((const uint32_t *)((uintptr_t)&word + 1), 1, 0) < 0);
	check_is("an unmapped word is an error", mach_word_wait((const uint32_t *)0x20000, 5, MACH_DEADLINE_NONE, 0),
		KERN_INVALID_ADDRESS);
	word = 0;
	for (unsigned i = 0; i < 4; i++)
		start_thread(wait_once, 0);
	/* The last is an instruction before its wait, or in it. */
	wait_until_is(&coming, 4);
	nap(30);
	check_is("one waiter is woken", mach_word_wake(&word, 1, 0), 1);
	wait_until_is(&woken, 1);
	nap(10);
	check_is("and only one", woken, 1);
	check_is("one is woken, two are moved", mach_word_requeue(&word, &other, 1, 10, 0, 0), 3);
	wait_until_is(&woken, 2);
	nap(10);
	check_is("the moved ones sleep on", woken, 2);
	check_is("nobody is left at the first word", mach_word_wake(&word, 10, 0), 0);
	check_is("they are at the second", mach_word_wake(&other, 10, 0), 2);
	check_is("all four went on", wait_until_is(&woken, 4), 4);
}

static void wake_parent(uint64_t shared)
{
	uint32_t *page = (uint32_t *)(uintptr_t)shared;

	*page = 1;
	while (mach_word_wake(page, 1, WORD_SHARED) == 0)
		nap(1);
	mach_thread_exit(NULL);
}

static void words_between_tasks(void)
{
	vm_address_t page = 0;
	struct child child;

	vm_allocate(mach_task_self(), &page, VM_PAGE_SIZE, TRUE);
	vm_inherit(mach_task_self(), page, VM_PAGE_SIZE, VM_INHERIT_SHARE);
	if (child_create(&child, wake_parent, page, MACH_PORT_NULL)) {
		kern_return_t result;

		thread_resume(child.thread);
		result = mach_word_wait((uint32_t *)page, 0, mach_clock_monotonic() + 5000000000ull, WORD_SHARED);
		check("a shared word is waited for across tasks", result == KERN_SUCCESS || result == KERN_FAILURE);
		check_is("and was written there", *(volatile uint32_t *)page, 1);
		child_end(&child);
	}
	vm_deallocate(mach_task_self(), page, VM_PAGE_SIZE);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static unsigned long guarded;

static void *add_many(void *mark)
{
	for (unsigned i = 0; i < 20000; i++) {
		pthread_mutex_lock(&mutex);
		guarded++;
		pthread_mutex_unlock(&mutex);
	}
	return mark;
}

static void the_c_librarys_threads(void)
{
	pthread_t threads[4];
	bool joined = true;
	int marks[4];

	for (unsigned i = 0; i < 4; i++)
		joined = joined && pthread_create(&threads[i], NULL, add_many, &marks[i]) == 0;
	for (unsigned i = 0; i < 4; i++) {
		void *result = NULL;

		joined = joined && pthread_join(threads[i], &result) == 0 && result == &marks[i];
	}
	check("the C library's threads are made and joined", joined);
	check_is("its lock lets one in at a time", guarded, 80000);
}

void test_words(void)
{
	waits_and_wakes();
	words_between_tasks();
	the_c_librarys_threads();
}
