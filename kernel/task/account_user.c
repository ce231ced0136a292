/* The account routines of portolan.defs, and the ports that accounts have. */

#include <ipc/ipc_port.h>
#include <kern/task.h>
#include <stubs/portolan_server.h>

/* Ports of accounts come and go, and limits are split, under this. */
static struct lock ports_lock = LOCK_INIT(LOCK_RANK_ACCOUNT);

static void *reference(void *object)
{
	account_charge_always(object, ACCOUNT_REFERENCE);
	return object;
}

account_t convert_port_to_account(struct ipc_port *port)
{
	return ipc_kernel_port_lookup(port, IKOT_ACCOUNT, reference);
}

void account_release(account_t account)
{
	if (account != NULL)
		account_uncharge(account, ACCOUNT_REFERENCE);
}

/* The last send right has gone, unless another has been made meanwhile. */
static void no_senders(struct ipc_port *port, void *object)
{
	struct account *account = object;
	bool unused;

	lock_acquire(&ports_lock);
	lock_acquire(&port->object.lock);
	unused = port->srights == 0 && account->port == port;
	lock_release(&port->object.lock);
	if (unused)
		account->port = NULL;
	lock_release(&ports_lock);
	if (unused) {
		ipc_port_destroy(port);
		account_release(account);
	}
}

struct ipc_port *convert_account_to_port(account_t account)
{
	struct ipc_port *right = NULL;

	if (account == NULL)
		return NULL;
	lock_acquire(&ports_lock);
	if (account->port == NULL) {
		account->port = ipc_kernel_port_create(IKOT_ACCOUNT, account, account);
		if (account->port != NULL) {
			ipc_kernel_port_set_no_senders(account->port, no_senders);
			reference(account); /* the port's */
		}
	}
	if (account->port != NULL)
		right = ipc_port_make_send(account->port);
	lock_release(&ports_lock);
	account_release(account);
	return right;
}

/* --- Routines. */

kern_return_t account_create(
	host_t, boolean_t may_use_reserve, vm_size_t bytes, uint64_t pages, account_t *account)
{
	enum vm_page_level level = may_use_reserve ? VM_PAGE_FOR_SERVER : VM_PAGE_FOR_USER;

	*account = account_make(current_account(), level, bytes, pages);
	return *account != NULL ? KERN_SUCCESS : KERN_RESOURCE_SHORTAGE;
}

/* What the parent may have becomes less by what the part may have, until that goes. */
kern_return_t account_split(account_t parent, vm_size_t bytes, uint64_t pages, account_t *account)
{
	*account = NULL;
	lock_acquire(&ports_lock);
	if (!parent->was_split && parent->splits < ACCOUNTS_SPLIT_MAX && bytes <= parent->bytes_limit &&
		pages <= parent->pages_limit)
		*account = account_make(parent, (enum vm_page_level)parent->level, bytes, pages);
	if (*account != NULL) {
		__atomic_add_fetch(&parent->splits, 1, __ATOMIC_RELAXED);
		__atomic_sub_fetch(&parent->bytes_limit, bytes, __ATOMIC_RELAXED);
		__atomic_sub_fetch(&parent->pages_limit, pages, __ATOMIC_RELAXED);
		(*account)->was_split = true;
	}
	lock_release(&ports_lock);
	return *account != NULL ? KERN_SUCCESS : KERN_RESOURCE_SHORTAGE;
}

/* Of one that was split off its parent keeps the books, so its limits stay. */
kern_return_t account_set_limits(host_t, account_t account, vm_size_t bytes, uint64_t pages)
{
	if (account->was_split || account->splits != 0)
		return KERN_INVALID_ARGUMENT;
	account->bytes_limit = bytes;
	account->pages_limit = pages;
	return KERN_SUCCESS;
}

kern_return_t account_info(account_t account, uint64_t *out)
{
	struct account_info info;

	/* Each of one moment, not all of the same. */
	info = (struct account_info){
		.id = account->id,
		.bytes = account->bytes,
		.bytes_limit = account->bytes_limit,
		.pages = account->pages,
		.pages_limit = account->pages_limit,
		.cached = account->cached,
		.swapped = account->swapped,
	};
	__builtin_memcpy(out, &info, sizeof(info));
	return KERN_SUCCESS;
}

kern_return_t task_get_account(task_t task, account_t *account)
{
	*account = reference(task->account);
	return KERN_SUCCESS;
}
