/* Port sets: a port's membership, and the end of a set. */
#include <ipc/ipc_internal.h>

void ipc_pset_add(struct ipc_pset *set, struct ipc_port *port)
{
	lock_acquire(&set->object.lock);
	ipc_object_reference(&set->object);
	port->set = set;
	list_add_tail(&set->members, &port->set_link);
	if (!list_empty(&port->queue)) {
		list_add_tail(&set->ready, &port->ready_link);
		ipc_mqueue_wake_all(&set->object); /* there may be many messages; who finds none waits again */
	}
	lock_release(&set->object.lock);
}

void ipc_pset_remove(struct ipc_port *port)
{
	struct ipc_pset *set = port->set;

	lock_acquire(&set->object.lock);
	list_remove(&port->set_link);
	list_remove(&port->ready_link);
	port->set = NULL;
	lock_release(&set->object.lock);
	ipc_object_release(&set->object);
}

/* A member's lock comes before the set's, so each is fetched with a reference and looked at again. */
void ipc_pset_destroy(struct ipc_pset *set)
{
	lock_acquire(&set->object.lock);
	set->object.active = false;
	while (!list_empty(&set->members)) {
		struct ipc_port *port = list_first(&set->members, struct ipc_port, set_link);

		ipc_object_reference(&port->object);
		lock_release(&set->object.lock);
		lock_acquire(&port->object.lock);
		if (port->set == set)
			ipc_pset_remove(port);
		lock_release(&port->object.lock);
		ipc_object_release(&port->object);
		lock_acquire(&set->object.lock);
	}
	ipc_mqueue_wake_all(&set->object);
	lock_release(&set->object.lock);
	ipc_object_release(&set->object);
	deferred_run();
}
