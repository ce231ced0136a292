/* The run queue against a model: who becomes ready runs by priority, and equals in the order in which they became
 * ready, but for programs' threads that have not used up their slices: the last of them comes first. */
#include "calls.h"
#include "world.h"

#include <kern/slice.h>
#include <stdlib.h>

enum { ROUNDS = 300, THREADS = 24 };

static unsigned ran[THREADS], runs;

static void note_run(void *which)
{
	ran[runs++] = (unsigned)(uintptr_t)which;
}

/* The model: each thread's priority, and when it last joined a queue. */
static struct entry {
	struct thread *thread;
	unsigned which;
	uint8_t priority;
	int joined; /* below 0: at the head */
	bool suspended, has_slice;
} model[THREADS];

static int by_turn(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->priority != y->priority)
		return x->priority > y->priority ? -1 : 1;
	return x->joined < y->joined ? -1 : 1;
}

static unsigned clock;

static void resume(struct entry *entry)
{
	int now = (int)clock++;

	entry->suspended = false;
	entry->joined = entry->has_slice && entry->priority <= PRIORITY_USER ? -now : now;
	CHECK_EQUAL(thread_resume(entry->thread), KERN_SUCCESS);
}

/* Changes priorities, suspends and resumes at random; both sides must agree on the order afterwards. */
static void one_round(struct task *task)
{
	runs = clock = 0;
	for (unsigned i = 0; i < THREADS; i++) {
		model[i] = (struct entry){
			world_thread(task, note_run, (void *)(uintptr_t)i), i, PRIORITY_USER, 0, true, rand() % 2};
		thread_reference(model[i].thread);
		CHECK_EQUAL(thread_suspend(model[i].thread), KERN_SUCCESS);
		slice_set_used(model[i].thread, model[i].has_slice ? TIME_SLICE_NS - 1 : TIME_SLICE_NS);
	}
	for (unsigned step = 0; step < 3 * THREADS; step++) {
		struct entry *entry = &model[rand() % THREADS];
		uint8_t priority = (uint8_t)(1 + rand() % (PRIORITIES - 1));

		if (rand() % 3 != 0) {
			if (!entry->suspended && priority != entry->priority)
				entry->joined = (int)clock++;
			entry->priority = priority;
			sched_set_priority(entry->thread, priority);
		} else if (!entry->suspended) {
			entry->suspended = true;
			CHECK_EQUAL(thread_suspend(entry->thread), KERN_SUCCESS);
		} else {
			resume(entry);
		}
	}
	for (unsigned i = 0; i < THREADS; i++) {
		if (model[i].suspended)
			resume(&model[i]);
	}
	qsort(model, THREADS, sizeof model[0], by_turn);
	CHECK_EQUAL(world_run(), 0);
	CHECK_EQUAL(runs, THREADS);
	for (unsigned i = 0; i < THREADS; i++) {
		CHECK_EQUAL(ran[i], model[i].which);
		thread_deallocate(model[i].thread);
	}
}

void test_queues(void)
{
	struct task *task = world_task();

	srand(1);
	for (unsigned round = 0; round < ROUNDS; round++)
		one_round(task);
	world_task_end(task);
	host_report("run-queues-follow-the-model");
}
