/* Notifications that a server does not care for: their rights go, nothing else happens. A server's own functions win.
 */
#include <mach/notify_server.h>
#include <mach/server.h>

#define DEFAULT __attribute__((weak))

DEFAULT kern_return_t S_mach_notify_port_deleted(mach_port_t notify, mach_port_name_t name)
{
	(void)notify;
	(void)name;
	return KERN_SUCCESS;
}

DEFAULT kern_return_t S_mach_notify_send_possible(mach_port_t notify, mach_port_name_t name)
{
	(void)notify;
	(void)name;
	return KERN_SUCCESS;
}

DEFAULT kern_return_t S_mach_notify_port_destroyed(mach_port_t notify, mach_port_t rights)
{
	(void)notify;
	mach_port_mod_refs(mach_task_self(), rights, MACH_PORT_RIGHT_RECEIVE, -1);
	return KERN_SUCCESS;
}

DEFAULT kern_return_t S_mach_notify_no_senders(mach_port_t notify, mach_port_mscount_t mscount)
{
	(void)notify;
	(void)mscount;
	return KERN_SUCCESS;
}

DEFAULT kern_return_t S_mach_notify_send_once(mach_port_t notify)
{
	(void)notify;
	return KERN_SUCCESS;
}

DEFAULT kern_return_t S_mach_notify_dead_name(mach_port_t notify, mach_port_name_t name)
{
	(void)notify;
	/* The notification came with a reference to the dead name. */
	mach_port_deallocate(mach_task_self(), name);
	return KERN_SUCCESS;
}
