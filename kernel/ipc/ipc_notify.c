/* Notifications: the generated stubs of notify.defs, their messages kept until no locks are held. */
#include <ipc/ipc_internal.h>
#include <kern/piece.h>
#include <stubs/memory_notify_user.h>
#include <vm/vm_pageout.h>

#define OWED_TRIES 256u /* at a time: page-out has other things to do */
#define OWED_COST  400  /* instructions of one, about (kern/piece.h) */

_Static_assert(sizeof(mach_msg_body_t) + sizeof(mach_msg_descriptor_t) + sizeof(struct ipc_carry) +
			       sizeof(mach_msg_header_t) <=
		       IPC_KMSG_SMALL - offsetof(struct ipc_kmsg, header) - sizeof(mach_msg_trailer_t),
	"any notification fits a small block");

bool ipc_notice_make(struct ipc_notice *notice, struct ipc_port *right, struct account *account)
{
	*notice = (struct ipc_notice){.right = right};
	if (right == NULL)
		return true;
	notice->message = ipc_kmsg_alloc_slots(account, sizeof(mach_msg_header_t), 0, 0);
	return notice->message != NULL;
}

struct ipc_port *ipc_notice_cancel(struct ipc_notice notice)
{
	if (notice.message != NULL)
		ipc_defer_destroy(notice.message);
	return notice.right;
}

/* What the stub sends is kept, in the notice's block. */
static bool begin(struct ipc_notice notice)
{
	if (notice.right == NULL)
		return false;
	deferred_hold();
	CURRENT_PROCESSOR->ipc->reserve = notice.message;
	return true;
}

/* The port that it was sent to may be dead. */
static void end(kern_return_t)
{
	debug_assert(CURRENT_PROCESSOR->ipc->reserve == NULL);
	deferred_unhold();
}

void ipc_notify_name(
	struct ipc_notice notice, kern_return_t (*send)(struct ipc_port *, mach_port_name_t), mach_port_name_t name)
{
	if (begin(notice))
		end(send(notice.right, name));
}

void ipc_notify_port_destroyed(struct ipc_notice notice, struct ipc_port *receive_right)
{
	if (begin(notice))
		end(mach_notify_port_destroyed(notice.right, receive_right));
}

void ipc_notify_no_senders(struct ipc_notice notice, mach_port_mscount_t mscount)
{
	if (begin(notice))
		end(mach_notify_no_senders(notice.right, mscount));
}

/*
 * Nobody asks for news of a send-once right, so no message waits for its end. A port whose account or kernel has no memory for one is
 * owed it: the right stays, counted, until page-out has found the memory.
 */
static struct lock owed_lock = LOCK_INIT(LOCK_RANK_TRANSIT);
static struct list owed = LIST_INIT(owed); /* ports by their free_link: each has a reference */

static bool send_once_died(struct ipc_port *right)
{
	struct ipc_notice notice;

	if (!ipc_notice_make(&notice, right, right->object.account))
		return false;
	if (begin(notice))
		end(mach_notify_send_once(right));
	return true;
}

void ipc_notify_send_once(struct ipc_port *right)
{
	if (send_once_died(right))
		return;
	lock_acquire(&owed_lock);
	if (right->owed++ == 0)
		list_add_tail(&owed, &right->object.free_link);
	lock_release(&owed_lock);
	vm_pageout_wake();
}

bool ipc_notify_owed(void)
{
	for (unsigned tries = 0; tries < OWED_TRIES && !list_empty(&owed); tries++) {
		struct ipc_port *port = NULL;
		struct list *link;

		lock_acquire(&owed_lock);
		link = list_pop_head(&owed);
		if (link != NULL) {
			port = container_of(link, struct ipc_port, object.free_link);
			if (--port->owed != 0)
				list_add_tail(&owed, link);
		}
		lock_release(&owed_lock);
		ipc_port_release_send_once(port);
		piece_spend(OWED_COST);
	}
	return !list_empty(&owed);
}

void ipc_notify_memory_short(struct ipc_notice notice, uint32_t account_id, bool at_limit)
{
	if (begin(notice))
		end(memory_short(notice.right, account_id, at_limit));
}
