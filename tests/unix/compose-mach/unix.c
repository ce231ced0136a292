/* Unix beside: processes that this one makes have nothing of what it and its tasks hold. */
#include "compose.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

enum { GUESSES = 300, NOTHING_HELD = 7, SOMETHING_HELD = 8 };

int unix_child(void)
{
	for (unsigned i = 1; i < GUESSES; i++) {
		mach_msg_header_t message = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
			.msgh_size = sizeof message,
			.msgh_remote_port = i << 8 | (i & 3)};

		if (mach_msg_trap(&message, MACH_SEND_MSG | MACH_SEND_TIMEOUT, sizeof message, 0, 0, 0, 0) != -ENOSYS)
			return SOMETHING_HELD;
	}
	return mach_trap(TRAP_TASK_SELF, 0, 0, 0, 0, 0, 0) == -ENOSYS &&
			       mach_trap(TRAP_HOST_SELF, 0, 0, 0, 0, 0, 0) == -ENOSYS &&
			       mach_trap(TRAP_REPLY_PORT, 0, 0, 0, 0, 0, 0) == -ENOSYS
		       ? NOTHING_HELD
		       : SOMETHING_HELD;
}

void unix_operation(void)
{
	const bool executes = pick(2) == 0;
	mach_port_t bootstrap = MACH_PORT_NULL;
	int status = 0;
	pid_t child;

	say("fork%s", executes ? " and exec" : "");
	expect("the bootstrap port is asked for",
		task_get_special_port(mach_task_self(), TASK_BOOTSTRAP_PORT, &bootstrap), KERN_SUCCESS);
	expect("there is none", bootstrap, MACH_PORT_NULL);
	child = fork();
	if (child == 0) {
		if (executes)
			execl("/proc/self/exe", "compose-mach", "child", (char *)NULL);
		_exit(executes ? 1 : unix_child());
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		wrong("fork: errno %d", errno);
	expect("a child of Unix holds nothing", WIFEXITED(status) ? WEXITSTATUS(status) : -1, NOTHING_HELD);
}
