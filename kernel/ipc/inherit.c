/*
 * Priority along waiting calls: whoever owes a reply on a port runs at least at the priority of those who queue there.
 *
 * Only callers that had to queue come here, so the search may cost something: the threads of the task that receives
 * from the port are looked through for those that owe a reply there. If such a thread is itself inside a call, the
 * priority goes on to who owes it that reply, eight links at most. A server gets its own priority back when it replies.
 */
#include <ipc/ipc_internal.h>

#define INHERIT_LINKS   8
#define INHERIT_THREADS 64 /* of one task: a bound on the time spent */

static struct task *receiving_task(struct ipc_port *port)
{
	struct ipc_space *space;
	struct task *task = NULL;

	lock_acquire(&port->object.lock);
	space = port->receiver;
	if (space != NULL)
		ref_take(&space->refs);
	lock_release(&port->object.lock);
	if (space == NULL)
		return NULL;
	lock_acquire(&space->lock);
	if (space->active) {
		task = space->task;
		task_reference(task);
	}
	lock_release(&space->lock);
	ipc_space_release(space);
	return task;
}

/* Raises those who owe replies on the port; one of them, with a reference, or null. */
static struct thread *raise_servers(struct ipc_port *port, uint8_t priority)
{
	struct task *task = receiving_task(port);
	struct thread *one = NULL;
	unsigned seen = 0;
	struct list *link;

	if (task == NULL)
		return NULL;
	lock_acquire(&task->lock);
	list_for_each (link, &task->threads) {
		struct thread *thread = container_of(link, struct thread, task_link);

		if (++seen > INHERIT_THREADS)
			break;
		/* Compared, not followed: an old value costs a thread some priority until its next reply. */
		if (thread->ipc.owes_on != port || thread->ipc.owes == NULL || thread->run_priority >= priority)
			continue;
		sched_set_priority(thread, priority);
		if (one == NULL) {
			thread_reference(thread);
			one = thread;
		}
	}
	lock_release(&task->lock);
	task_deallocate(task);
	return one;
}

/* What a thread waits for in a call: the server that owes it, or the port it queues at; with a reference. */
static void waits_for(struct thread *thread, struct thread **server, struct ipc_port **port)
{
	*server = NULL;
	*port = NULL;
	lock_acquire(&thread->lock);
	if (thread->ipc.call_state == IPC_CALL_RECEIVED && thread->ipc.server != NULL) {
		/* A server that ends first clears this, under the lock that we hold. */
		*server = thread->ipc.server;
		thread_reference(*server);
	} else if (thread->ipc.call_state == IPC_CALL_QUEUED) {
		*port = thread->ipc.call_port;
		ipc_object_reference(&(*port)->object);
	}
	lock_release(&thread->lock);
}

void ipc_inherit(struct ipc_port *port, uint8_t priority)
{
	struct thread *thread = raise_servers(port, priority);

	for (unsigned links = 1; thread != NULL && links < INHERIT_LINKS; links++) {
		struct thread *server;
		struct ipc_port *next;

		waits_for(thread, &server, &next);
		thread_deallocate(thread);
		if (next != NULL) {
			server = raise_servers(next, priority);
			ipc_port_release(next);
		} else if (server != NULL && server->run_priority < priority) {
			sched_set_priority(server, priority);
		}
		thread = server;
	}
	thread_deallocate(thread);
}

void ipc_inherit_end(struct thread *self)
{
	if (self->run_priority != self->priority)
		sched_set_priority(self, self->priority);
}
