/* Notifications: the generated stubs of notify.defs, their messages kept until no locks are held. */
#include <ipc/ipc_internal.h>
#include <stubs/notify_user.h>

void
ipc_notify_port_deleted(struct ipc_port *notify, mach_port_name_t name)
{
	if (notify == NULL)
		return;
	ipc_deferred_hold();
	(void)mach_notify_port_deleted(notify, name);
	ipc_deferred_unhold();
}

void
ipc_notify_send_possible(struct ipc_port *notify, mach_port_name_t name)
{
	if (notify == NULL)
		return;
	ipc_deferred_hold();
	(void)mach_notify_send_possible(notify, name);
	ipc_deferred_unhold();
}

void
ipc_notify_port_destroyed(struct ipc_port *notify, struct ipc_port *receive_right)
{
	if (notify == NULL)
		return;
	ipc_deferred_hold();
	(void)mach_notify_port_destroyed(notify, receive_right);
	ipc_deferred_unhold();
}

void
ipc_notify_no_senders(struct ipc_port *notify, mach_port_mscount_t mscount)
{
	if (notify == NULL)
		return;
	ipc_deferred_hold();
	(void)mach_notify_no_senders(notify, mscount);
	ipc_deferred_unhold();
}

void
ipc_notify_send_once(struct ipc_port *notify)
{
	if (notify == NULL)
		return;
	ipc_deferred_hold();
	(void)mach_notify_send_once(notify);
	ipc_deferred_unhold();
}

void
ipc_notify_dead_name(struct ipc_port *notify, mach_port_name_t name)
{
	if (notify == NULL)
		return;
	ipc_deferred_hold();
	(void)mach_notify_dead_name(notify, name);
	ipc_deferred_unhold();
}
