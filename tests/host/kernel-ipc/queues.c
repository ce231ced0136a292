/* The run queue against a model: who becomes ready runs by priority, and equals in the order in which they became
 * ready. */
#include "calls.h"
#include "world.h"

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
	unsigned joined;
	bool suspended;
} model[THREADS];

static int by_turn(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->priority != y->priority)
		return x->priority > y->priority ? -1 : 1;
	return x->joined < y->joined ? -1 : 1;
}

/* Changes priorities, suspends and resumes at random; both sides must agree on the order afterwards. */
static void one_round(struct task *task)
{
	unsigned clock = 0;

	runs = 0;
	for (unsigned i = 0; i < THREADS; i++) {
		model[i] = (struct entry){
			world_thread(task, note_run, (void *)(uintptr_t)i), i, PRIORITY_USER, clock++, false};
		thread_reference(model[i].thread);
	}
	for (unsigned step = 0; step < 3 * THREADS; step++) {
		struct entry *entry = &model[rand() % THREADS];
		uint8_t priority = (uint8_t)(1 + rand() % (PRIORITIES - 1));

		if (rand() % 3 != 0) {
			if (!entry->suspended && priority != entry->priority)
				entry->joined = clock++;
			entry->priority = priority;
			sched_set_priority(entry->thread, priority);
		} else if (!entry->suspended) {
			entry->suspended = true;
			CHECK_EQUAL(thread_suspend(entry->thread), KERN_SUCCESS);
		} else {
			entry->suspended = false;
			entry->joined = clock++;
			CHECK_EQUAL(thread_resume(entry->thread), KERN_SUCCESS);
		}
	}
	for (unsigned i = 0; i < THREADS; i++) {
		if (model[i].suspended) {
			model[i].joined = clock++;
			CHECK_EQUAL(thread_resume(model[i].thread), KERN_SUCCESS);
		}
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
