/* Tasks and threads whose names have died: their processes and threads go, too. */
#include "process/deaths.h"

#include <mach/mach.h>
#include <mach/notify_server.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "call/dispatch.h"
#include "memory/mm.h"
#include "process/proc.h"

/*
 * Every task is watched, for the kernel may end one (when memory is short), and a Mach program may end its own. Threads
 * are watched where they can end without a call of ours: in Mach programs. What this server ends itself is told just
 * the same, when nobody has that name any more.
 */

static mach_port_t death_port;

void deaths_start(void)
{
	death_port = server_port_create(PAYLOAD_DEATHS);
	if (death_port == MACH_PORT_NULL) {
		fprintf(stderr, "unix: no port for the deaths of tasks\n");
		exit(1);
	}
}

int death_watch(mach_port_t port)
{
	mach_port_t previous = MACH_PORT_NULL;

	if (mach_port_request_notification(mach_task_self(), port, MACH_NOTIFY_DEAD_NAME, 1, death_port, MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous) !=
		KERN_SUCCESS)
		return -ENOMEM;
	if (MACH_PORT_VALID(previous))
		mach_port_deallocate(mach_task_self(), previous);
	return 0;
}

kern_return_t S_mach_notify_dead_name(mach_port_t notify, mach_port_name_t name)
{
	struct process *process, *borrower;
	struct thread *thread;

	(void)notify;
	if (request_payload() != PAYLOAD_DEATHS)
		return KERN_INVALID_ARGUMENT; /* by a right that was not made for this */
	server_lock();
	process = process_of_task(name);
	thread = process == NULL ? thread_of_dead_port(name) : NULL;
	if (process != NULL) {
		process_exit(process, SIGKILL);
	} else if (thread != NULL) {
		borrower = thread->lent != NULL ? thread->lent->process : NULL;
		thread_exit(thread, SIGKILL);
		if (borrower != NULL)
			process_exit(borrower, SIGKILL);
	}
	server_leave();
	/* The message's own reference of the name. */
	mach_port_deallocate(mach_task_self(), name);
	return KERN_SUCCESS;
}
