/*
 * A Mach program of an ordinary user (attack-mach: 1) makes things that nobody can reach any more: tasks without
 * threads, tasks with threads that never run, tasks that hold each other, receive rights in messages to themselves.
 * None of them shall stay. (attack-seconds: 120)
 */
#include "attack.h"

#include <mach/mach.h>
#include <mach/mach_port_user.h>

enum { TASKS = 20000, WITH_THREADS = 2000, CHAINS = 50, CHAIN = 50, INTO_THEMSELVES = 60000, NAME = 0x5000 };

static void drop(mach_port_t name)
{
	mach_port_deallocate(mach_task_self(), name);
}

/*
 * A task or a thread in it. What is out of reach ends by itself, but a thread takes its turn to end: until then it
 * counts to this program, which may have to wait for it. What stayed would never make room.
 */
static bool make(bool thread, mach_port_t of, boolean_t inherit, mach_port_t *made)
{
	for (unsigned tries = 0; tries < 100; tries++) {
		kern_return_t result = thread ? thread_create(of, made) : task_create(of, inherit, made);

		if (result != KERN_RESOURCE_SHORTAGE)
			return result == KERN_SUCCESS;
		mach_trap(TRAP_THREAD_SWITCH, 0, SWITCH_OPTION_WAIT, 10, 0, 0, 0);
	}
	return false;
}

static unsigned tasks_without_threads(void)
{
	mach_port_t task;
	unsigned made = 0;

	while (made < TASKS && make(false, mach_task_self(), FALSE, &task)) {
		drop(task);
		made++;
	}
	return made;
}

/* Copies of this task, with a thread that is never started. */
static unsigned tasks_with_threads(void)
{
	mach_port_t task, thread;
	unsigned made = 0;

	while (made < WITH_THREADS && make(false, mach_task_self(), TRUE, &task)) {
		if (!make(true, task, FALSE, &thread))
			break;
		drop(task);
		drop(thread);
		made++;
	}
	return made;
}

/* Each holds the next: they end one by the end of the other. */
static unsigned tasks_in_chains(void)
{
	unsigned made = 0;

	for (unsigned chain = 0; chain < CHAINS; chain++) {
		mach_port_t last = MACH_PORT_NULL, task;

		for (unsigned i = 0; i < CHAIN && make(false, mach_task_self(), FALSE, &task); i++) {
			if (last != MACH_PORT_NULL)
				mach_port_insert_right(task, NAME, last, MACH_MSG_TYPE_MOVE_SEND);
			last = task;
			made++;
		}
		drop(last);
	}
	return made;
}

static unsigned rights_into_themselves(void)
{
	struct {
		mach_msg_header_t header;
		NDR_record_t NDR;
		mach_port_name_t name;
		mach_msg_type_name_t disposition;
	} request = {.NDR = NDR_record, .disposition = MACH_MSG_TYPE_MOVE_RECEIVE};
	mach_port_t port;
	unsigned made = 0;

	while (made < INTO_THEMSELVES &&
		mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &port) == KERN_SUCCESS) {
		request.name = port;
		request.header = (mach_msg_header_t){
			.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
			.msgh_size = sizeof request,
			.msgh_remote_port = mach_task_self(),
			.msgh_local_port = port,
			.msgh_id = MIG_ID_mach_port_extract_right};
		if (mach_msg_trap(&request.header, MACH_SEND_MSG, sizeof request, 0, 0, 0, 0) != MACH_MSG_SUCCESS)
			break;
		made++;
	}
	return made;
}

int main(void)
{
	mach_task_self_ = (mach_port_t)mach_trap(TRAP_TASK_SELF, 0, 0, 0, 0, 0, 0);
	/* What stayed would count to this program, and the next could not be made. */
	attack_check("tasks without threads stay", tasks_without_threads() == TASKS);
	attack_check("tasks with threads that never run stay", tasks_with_threads() == WITH_THREADS);
	attack_check("tasks that hold each other stay", tasks_in_chains() == CHAINS * CHAIN);
	attack_check("receive rights in their own queues stay", rights_into_themselves() == INTO_THEMSELVES);
	return attack_end();
}
