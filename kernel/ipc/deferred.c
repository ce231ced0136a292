/*
 * What cannot be done under the locks at hand: sending notifications, destroying messages, giving memory back to a task's account.
 *
 * Each processor keeps lists of such work; whoever has released its locks runs them. The kernel is not preempted and a run does not block,
 * so the lists need no lock. Destroying a message may destroy a port with a queue of messages that carry ports, and so on: as they all go
 * through here, the depth of the stack does not grow with what users built.
 */
#include <ipc/ipc_internal.h>
#include <kern/processor.h>

static struct ipc_deferred {
	struct list send, destroy, objects;
	uint32_t held;
	bool running;
} deferred[PROCESSORS_MAX];

static struct ipc_deferred *
mine(void)
{
	return &deferred[current_processor()->id];
}

void
ipc_deferred_init(void)
{
	for (unsigned i = 0; i < PROCESSORS_MAX; i++) {
		list_init(&deferred[i].send);
		list_init(&deferred[i].destroy);
		list_init(&deferred[i].objects);
	}
}

void
ipc_deferred_hold(void)
{
	mine()->held++;
}

void
ipc_deferred_unhold(void)
{
	mine()->held--;
}

bool
ipc_deferred_held(void)
{
	return mine()->held != 0;
}

void
ipc_defer_send(struct ipc_kmsg *kmsg)
{
	list_add_tail(&mine()->send, &kmsg->element.link);
}

void
ipc_defer_destroy(struct ipc_kmsg *kmsg)
{
	list_add_tail(&mine()->destroy, &kmsg->element.link);
}

void
ipc_defer_free(struct ipc_object *object)
{
	list_add_tail(&mine()->objects, &object->free_link);
}

void
ipc_deferred_run(void)
{
	struct ipc_deferred *d = mine();

	if (d->running)
		return;
	d->running = true;
	for (;;) {
		struct list *link;

		if ((link = list_pop_head(&d->send)) != NULL)
			(void)ipc_kmsg_deliver(container_of(link, struct ipc_kmsg, element.link));
		else if ((link = list_pop_head(&d->destroy)) != NULL)
			ipc_kmsg_destroy_now(container_of(link, struct ipc_kmsg, element.link));
		else if ((link = list_pop_head(&d->objects)) != NULL)
			ipc_object_free(container_of(link, struct ipc_object, free_link));
		else
			break;
	}
	d->running = false;
}
