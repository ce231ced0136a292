/*
 * The queue of a port and those who wait at it.
 *
 * Who sends puts an element at the tail and wakes one receiver: one that waits on the port itself first, else one of
 * its set. The receiver takes the head when it runs. Both look under the port's lock (and the set's inside it), so an
 * element never comes between a receiver's look at the empty queue and its joining the list:
 *
 *   sender    lock port; append; [lock set; mark ready; pop receiver; unlock set]; unlock port; receiver goes
 *   receiver  lock object; nothing there; mark itself WAITING; join the list; unlock object; block
 *
 * A popped receiver may have timed out or been aborted in between: thread_go says so, and the next is popped. It has
 * not taken itself off the list yet (that needs the lock that we hold), so it cannot be waiting for something else.
 *
 * A slot is the place of one receiver that waits on a processor (or on one of every IPC_SLOTS-th): who hands something
 * over there looks at it first. A thread takes it only when it is free and the object has nothing to receive, and
 * leaves it at the latest when something is posted: so who finds a thread in a slot, under the object's lock, knows
 * that the port is alive, not the kernel's, and its queue (of a set: all queues) empty. As it is alive, it stays: a
 * thread in a slot needs no reference to it. Who takes the thread out in order to wake it, or to put it on the list,
 * gives it one under the lock.
 */
#include <ipc/ipc_internal.h>

/* Object locked. */
static struct thread *pop_receiver(struct ipc_object *object)
{
	struct thread **slot = ipc_mqueue_first(object), *thread;
	struct list *link;

	if (slot != NULL) {
		thread = *slot;
		*slot = NULL;
		ipc_object_reference(object);
		return thread;
	}
	link = list_pop_head(&object->receivers);
	return link != NULL ? container_of(link, struct thread, wait_link) : NULL;
}

/* Object locked: there is something to receive, so nobody may be in a slot. */
static void vacate_slots(struct ipc_object *object)
{
	struct thread **slot;

	ipc_for_each_slot (slot, object) {
		if (*slot != NULL) {
			ipc_object_reference(object);
			list_add_head(&object->receivers, &(*slot)->wait_link);
		}
		*slot = NULL;
	}
}

/* Object locked. */
static bool wake_one(struct ipc_object *object, bool claim, struct thread **claimed)
{
	struct thread *thread;

	while ((thread = pop_receiver(object)) != NULL) {
		if (claim && !thread_bound_elsewhere(thread) && thread_claim(thread, WAIT_AWAKENED)) {
			*claimed = thread;
			return true;
		}
		if (thread_go(thread, WAIT_AWAKENED))
			return true;
	}
	return false;
}

void ipc_mqueue_wake_all(struct ipc_object *object)
{
	struct thread *thread;

	while ((thread = pop_receiver(object)) != NULL)
		(void)thread_go(thread, WAIT_AWAKENED);
}

/* Port locked, there is something in its queue: one receiver is woken, of the port or of its set. */
static struct thread *announce(struct ipc_port *port, bool claim)
{
	struct ipc_pset *set = port->set;
	struct thread *claimed = NULL;
	bool woken = wake_one(&port->object, claim, &claimed);

	if (processors_online > 1) /* else the only slot was looked at first */
		vacate_slots(&port->object);
	if (set != NULL) {
		lock_acquire(&set->object.lock);
		if (!list_linked(&port->ready_link))
			list_add_tail(&set->ready, &port->ready_link);
		if (!woken)
			(void)wake_one(&set->object, claim, &claimed);
		vacate_slots(&set->object);
		lock_release(&set->object.lock);
	}
	return claimed;
}

struct thread *ipc_mqueue_post(struct ipc_port *port, struct ipc_element *element, bool claim)
{
	debug_assert(port->object.active);
	list_add_tail(&port->queue, &element->link);
	if (!element->is_caller)
		port->msgcount++;
	return announce(port, claim);
}

void ipc_mqueue_put_back(struct ipc_port *port, struct ipc_element *element)
{
	list_add_head(&port->queue, &element->link);
	port->msgcount++;
	(void)announce(port, false);
}

void ipc_mqueue_wake_sender(struct ipc_port *port)
{
	struct list *link;

	if (ipc_mqueue_full(port))
		return;
	while ((link = list_pop_head(&port->senders)) != NULL) {
		if (thread_go(container_of(link, struct thread, wait_link), WAIT_AWAKENED))
			return;
	}
	list_for_each (link, &port->requests) {
		struct ipc_request *request = container_of(link, struct ipc_request, link);

		ipc_notify_name(ipc_notice_take(&request->possible), mach_notify_send_possible, request->name);
	}
}

void ipc_mqueue_remove(struct ipc_port *port, struct ipc_element *element)
{
	struct ipc_pset *set = port->set;

	list_remove(&element->link);
	if (set != NULL) {
		/* The next in the set gets its turn. */
		lock_acquire(&set->object.lock);
		list_remove(&port->ready_link);
		if (!list_empty(&port->queue))
			list_add_tail(&set->ready, &port->ready_link);
		lock_release(&set->object.lock);
	}
	if (!element->is_caller) {
		port->msgcount--;
		ipc_mqueue_wake_sender(port);
	}
}

struct ipc_port *ipc_mqueue_ready(struct ipc_object *object)
{
	struct ipc_port *port;

	lock_acquire(&object->lock);
	if (!object->is_set) {
		port = ipc_object_port(object);
		return object->active && !list_empty(&port->queue) ? port : NULL;
	}
	for (;;) {
		struct ipc_pset *set = ipc_object_set(object);

		if (list_empty(&set->ready))
			return NULL;
		/* The member's lock comes first: let go, and look again under both. */
		port = list_first(&set->ready, struct ipc_port, ready_link);
		ipc_object_reference(&port->object);
		lock_release(&object->lock);
		lock_acquire(&port->object.lock);
		if (port->set == set && !list_empty(&port->queue))
			return port;
		lock_release(&port->object.lock);
		ipc_object_release(&port->object);
		lock_acquire(&object->lock);
	}
}

bool ipc_mqueue_wait_over(struct thread *thread, bool *died)
{
	struct ipc_object *object = thread->ipc.wait_object;
	bool in_slot = false, linked;
	struct thread **slot;

	*died = false;
	if (object == NULL)
		return false;
	lock_acquire(&object->lock);
	ipc_for_each_slot (slot, object)
		if (*slot == thread) {
			in_slot = true;
			*slot = NULL;
		}
	linked = in_slot || list_linked(&thread->wait_link);
	list_remove(&thread->wait_link);
	*died = !object->active;
	lock_release(&object->lock);
	thread->ipc.wait_object = NULL;
	if (!in_slot)
		ipc_object_release(object);
	return !linked;
}

void ipc_mqueue_pass_on(struct ipc_object *object)
{
	struct ipc_port *port = ipc_mqueue_ready(object);

	if (port == NULL) {
		lock_release(&object->lock);
		return;
	}
	(void)announce(port, false);
	lock_release(&port->object.lock);
	if (&port->object != object)
		ipc_object_release(&port->object);
}
