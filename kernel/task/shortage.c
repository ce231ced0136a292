/* Memory that cannot be had: who decides what ends is told, while the asker waits. */
#include <ipc/ipc_internal.h>
#include <stubs/portolan_server.h>
#include <vm/vm_map.h>

/*
 * The policy is a task (the Unix server) that has asked for one message by host_memory_notice. The message is made
 * then, so that nothing is needed when there is nothing. Once told the policy ends something, or not, and asks again;
 * meanwhile the askers try again and again. One that does not ask again in time is done without.
 *
 *	1  a fault finds no page: shortage_may_end says that waiting makes sense, and notes who asks
 *	2  page-out, which has no locks, sends the message: shortage_tell
 *	3  the policy ends something and calls host_memory_notice
 */
#define ANSWER_NS 5000000000ull

static struct lock policy_lock = LOCK_INIT(LOCK_RANK_ACCOUNT);
static struct ipc_notice policy; /* whom to tell next; under the lock */
static uint64_t answer_by;       /* until when who was told last may still help */
static uint32_t asking;          /* an account's id, or 0 */
static bool asking_at_limit;
static uint32_t hopeless; /* the account that the policy gave up on last, or 0 */

bool shortage_may_end(const struct account *account, bool at_limit)
{
	/* Servers are not to wait for one another; nor does one wait for what a user has not. */
	if (account->level != VM_PAGE_FOR_USER || account->id == hopeless)
		return false;
	/* A look without the lock: told twice or late does no harm. */
	if (policy.right != NULL) {
		asking_at_limit = at_limit;
		__atomic_store_n(&asking, account->id, __ATOMIC_RELEASE);
	} else if (machine_now() >= answer_by) {
		return false;
	}
	return account == current_thread()->task->map->payer;
}

bool shortage_tell(void)
{
	uint32_t id = __atomic_exchange_n(&asking, 0, __ATOMIC_ACQUIRE);
	struct ipc_notice notice = {0};
	bool owed = ipc_notify_owed();

	if (id == 0)
		return owed;
	lock_acquire(&policy_lock);
	notice = ipc_notice_take(&policy);
	lock_release(&policy_lock);
	if (notice.right != NULL)
		answer_by = machine_now() + ANSWER_NS;
	ipc_notify_memory_short(notice, id, asking_at_limit);
	deferred_run();
	return owed;
}

kern_return_t host_memory_notice(host_t, struct ipc_port *notify, unsigned gave_up)
{
	struct ipc_notice notice, old;

	if (!ipc_notice_make(&notice, notify, current_account()))
		return KERN_RESOURCE_SHORTAGE;
	lock_acquire(&policy_lock);
	old = policy;
	policy = notice;
	hopeless = gave_up;
	lock_release(&policy_lock);
	ipc_port_release_send_once(ipc_notice_cancel(old));
	deferred_run();
	return KERN_SUCCESS;
}
