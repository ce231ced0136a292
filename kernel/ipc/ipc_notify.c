/* Notifications: the generated stubs of notify.defs, their messages kept until no locks are held. */
#include <ipc/ipc_internal.h>
#include <stubs/notify_user.h>

/* What the stub sends is kept; `message` is there for it. */
static void begin(struct ipc_kmsg *message)
{
	ipc_deferred_hold();
	CURRENT_PROCESSOR->deferred->reserve = message;
}

/* The message if it was not used. */
static struct ipc_kmsg *end(void)
{
	struct ipc_deferred *d = CURRENT_PROCESSOR->deferred;
	struct ipc_kmsg *message = d->reserve;

	d->reserve = NULL;
	ipc_deferred_unhold();
	return message;
}

void ipc_notify_port_deleted(struct ipc_port *notify, mach_port_name_t name, struct ipc_kmsg *message)
{
	if (notify != NULL) {
		begin(message);
		(void)mach_notify_port_deleted(notify, name);
		message = end();
	}
	if (message != NULL)
		ipc_kmsg_free(message);
}

void ipc_notify_send_possible(struct ipc_port *notify, mach_port_name_t name, struct ipc_kmsg *message)
{
	if (notify != NULL) {
		begin(message);
		(void)mach_notify_send_possible(notify, name);
		message = end();
	}
	if (message != NULL)
		ipc_kmsg_free(message);
}

void ipc_notify_port_destroyed(struct ipc_port *notify, struct ipc_port *receive_right)
{
	if (notify == NULL)
		return;
	ipc_deferred_hold();
	(void)mach_notify_port_destroyed(notify, receive_right);
	ipc_deferred_unhold();
}

void ipc_notify_no_senders(struct ipc_port *notify, mach_port_mscount_t mscount)
{
	if (notify == NULL)
		return;
	ipc_deferred_hold();
	(void)mach_notify_no_senders(notify, mscount);
	ipc_deferred_unhold();
}

void ipc_notify_send_once(struct ipc_port *notify)
{
	if (notify == NULL)
		return;
	ipc_deferred_hold();
	(void)mach_notify_send_once(notify);
	ipc_deferred_unhold();
}

void ipc_notify_dead_name(struct ipc_port *notify, mach_port_name_t name, struct ipc_kmsg *message)
{
	if (notify != NULL) {
		begin(message);
		(void)mach_notify_dead_name(notify, name);
		message = end();
	}
	if (message != NULL)
		ipc_kmsg_free(message);
}
