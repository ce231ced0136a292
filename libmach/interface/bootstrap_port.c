/* The name under which programs of Apple's family find their bootstrap port. */
#include <mach/mach_init.h>

mach_port_t bootstrap_port;

static __attribute__((constructor)) void ask(void)
{
	if (task_get_special_port(mach_task_self(), TASK_BOOTSTRAP_PORT, &bootstrap_port) != KERN_SUCCESS)
		bootstrap_port = MACH_PORT_NULL;
}
