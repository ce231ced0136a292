/*
 * What cannot be done under the locks at hand: sending notifications, destroying messages, freeing ports.
 *
 * Each processor keeps lists of such work; whoever has released its locks runs them. The kernel is not preempted and a
 * run does not block, so the lists need no lock. Destroying a message may destroy a port with a queue of messages that
 * carry ports, and so on: as they all go through here, the depth of the stack does not grow with what users built.
 */
#include <ipc/ipc_internal.h>
#include <kern/piece.h>

static struct ipc_deferred deferred[PROCESSORS_MAX];

void ipc_deferred_init(void)
{
	for (unsigned i = 0; i < PROCESSORS_MAX; i++) {
		processors[i].deferred = &deferred[i];
		list_init(&deferred[i].send);
		list_init(&deferred[i].destroy);
		list_init(&deferred[i].objects);
		list_init(&deferred[i].works);
	}
}

void ipc_deferred_hold(void)
{
	CURRENT_PROCESSOR->deferred->held++;
}

void ipc_deferred_unhold(void)
{
	CURRENT_PROCESSOR->deferred->held--;
}

void ipc_defer_send(struct ipc_kmsg *kmsg)
{
	struct ipc_deferred *d = CURRENT_PROCESSOR->deferred;

	list_add_tail(&d->send, &kmsg->element.link);
	d->pending = true;
}

void ipc_defer_destroy(struct ipc_kmsg *kmsg)
{
	struct ipc_deferred *d = CURRENT_PROCESSOR->deferred;

	list_add_tail(&d->destroy, &kmsg->element.link);
	d->pending = true;
}

void ipc_defer_free(struct ipc_object *object)
{
	struct ipc_deferred *d = CURRENT_PROCESSOR->deferred;

	list_add_tail(&d->objects, &object->free_link);
	d->pending = true;
}

void ipc_defer_work(struct ipc_work *work)
{
	struct ipc_deferred *d = CURRENT_PROCESSOR->deferred;

	list_add_tail(&d->works, &work->link);
	d->pending = true;
}

#define WORK_COST 400 /* instructions of one piece of work, about (kern/piece.h) */

/* An interrupt taken in between finds `running` set: what it leaves is done here. */
void ipc_deferred_run_pending(struct ipc_deferred *d)
{
	if (d->running || d->held != 0)
		return;
	d->running = true;
	for (;;) {
		struct list *link;

		piece_spend(WORK_COST);
		if ((link = list_pop_head(&d->send)) != NULL)
			(void)ipc_kmsg_deliver(container_of(link, struct ipc_kmsg, element.link));
		else if ((link = list_pop_head(&d->destroy)) != NULL)
			ipc_kmsg_destroy_now(container_of(link, struct ipc_kmsg, element.link));
		else if ((link = list_pop_head(&d->objects)) != NULL)
			ipc_object_free(container_of(link, struct ipc_object, free_link));
		else if ((link = list_pop_head(&d->works)) != NULL)
			container_of(link, struct ipc_work, link)->fn(container_of(link, struct ipc_work, link));
		else
			break;
	}
	d->running = false;
	d->pending = false;
}
