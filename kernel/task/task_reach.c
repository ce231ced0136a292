/*
 * Tasks out of reach. When no thread of a task can run any more, and nobody outside of it holds a right by which that
 * could change, it ends: nobody would ever end it.
 *
 * Out of reach is a task of which every thread is suspended, or that has none, while the send rights to its port and to
 * its threads' ports are all in its own space, where only its threads could use them. A right in a message counts as
 * outside: so does the one on its way to who has made the task, and the one that an exception's handler has not
 * received yet. Nothing leads back from there, so one look is enough, at each moment that may have brought it about:
 *
 *   a right to one of these ports goes    ipc_port_release_send, by the ports' few_senders
 *   a thread ends, or is suspended        thread_exit_self, thread_suspend, task_suspend
 *
 * The end itself is put off until no locks are held, and tasks that end by each other's ends do not recurse.
 */
#include <ipc/ipc_port.h>
#include <kern/piece.h>
#include <task/task_private.h>

#define LOOK_COST 300 /* at a thread, about (kern/piece.h) */

/* Task locked. Threads that were looked at go behind the others: many rights that go one by one are not as many walks.
 */
static bool out_of_reach(struct task *task)
{
	for (uint32_t left = task->thread_count; left > 0; left--) {
		struct thread *thread = list_first(&task->threads, struct thread, task_link);

		piece_spend(LOOK_COST);
		if (thread->suspend_count == 0)
			return false;
		if (thread->self_port != NULL && ipc_kernel_port_held_outside(thread->self_port, task->space))
			return false;
		list_remove(&thread->task_link);
		list_add_tail(&task->threads, &thread->task_link);
	}
	return !ipc_kernel_port_held_outside(task->self_port, task->space);
}

void task_reach_end(struct list *link)
{
	struct task *task = container_of(link, struct task, end_link);

	(void)task_terminate(task);
	task_deallocate(task);
}

void task_reach_check(struct task *task)
{
	bool ends;

	if (task == &kernel_task)
		return;
	lock_acquire(&task->lock);
	ends = !task->dead && !task->ending && out_of_reach(task);
	task->ending |= ends;
	lock_release(&task->lock);
	if (ends) {
		task_reference(task);
		defer(DEFERRED_END, &task->end_link);
	}
}

static void few_senders(struct ipc_port *port, void *)
{
	task_t task = convert_port_to_task(port);
	thread_t thread = task == NULL ? convert_port_to_thread(port) : NULL;

	if (task != NULL || thread != NULL)
		task_reach_check(task != NULL ? task : thread->task);
	task_deallocate(task);
	thread_deallocate(thread);
}

void task_reach_watch(struct ipc_port *port)
{
	port->few_senders = 1; /* nobody has a right yet */
	ipc_kernel_port_set_no_senders(port, few_senders);
}
