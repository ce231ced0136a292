/*
 * What cannot be done under the locks at hand: sending notifications, destroying messages, freeing ports.
 *
 * Each processor keeps lists of such work; whoever has released its locks runs them. The kernel is not preempted and a
 * run does not block, so the lists need no lock. Destroying a message may destroy a port with a queue of messages that
 * carry ports, and so on: as they all go through here, the depth of the stack does not grow with what users built.
 */
#include <kern/deferred.h>
#include <kern/piece.h>

static deferred_fn handlers[DEFERRED_CLASSES];

void deferred_init(void)
{
	for (unsigned i = 0; i < PROCESSORS_MAX; i++) {
		for (unsigned class = 0; class < DEFERRED_CLASSES; class++)
			list_init(&processors[i].deferred.lists[class]);
		processors[i].deferred.ready = true;
	}
}

void deferred_handler(enum deferred_class class, deferred_fn fn)
{
	handlers[class] = fn;
}

void deferred_hold(void)
{
	CURRENT_PROCESSOR->deferred.held++;
}

void deferred_unhold(void)
{
	CURRENT_PROCESSOR->deferred.held--;
}

void defer(enum deferred_class class, struct list *link)
{
	struct deferred *d = &current_processor()->deferred;

	list_add_tail(&d->lists[class], link);
	d->pending = true;
}

#define WORK_COST 400 /* instructions of one piece of work, about (kern/piece.h) */

/* An interrupt taken in between finds `running` set: what it leaves is done here. */
void deferred_run_pending(struct deferred *d)
{
	unsigned class;

	if (d->running || d->held != 0)
		return;
	d->running = true;
	do {
		piece_spend(WORK_COST);
		for (class = 0; class < DEFERRED_CLASSES; class++) {
			struct list *link = list_pop_head(&d->lists[class]);

			if (link != NULL) {
				handlers[class](link);
				break;
			}
		}
	} while (class < DEFERRED_CLASSES);
	d->running = false;
	d->pending = false;
}
