/* Memory objects behind their ports, requests dispatched to the pager's functions. */
#include <mach/keep.h>
#include <mach/memory_object_server.h>
#include <mach/memory_object_user.h>
#include <mach/notify_server.h>
#include <mach/pager.h>
#include <stdint.h>

/*
 * Live objects by payload. A payload is believed only when it is found here: a memory_object message may come to any
 * port of the server. Finding takes a reference, so that an object does not go away while a message of it is served.
 */
#define BUCKETS 256
static struct pager_object *buckets[BUCKETS];
static pthread_mutex_t registry = PTHREAD_MUTEX_INITIALIZER;

static const struct pager_ops no_ops;

static struct pager_object **bucket(uint64_t payload)
{
	return &buckets[payload * 0x9e3779b97f4a7c15ull >> 56 & (BUCKETS - 1)];
}

static struct pager_object *find_request_object(void)
{
	uint64_t payload = mach_request_payload();
	struct pager_object *object;

	pthread_mutex_lock(&registry);
	for (object = *bucket(payload); object && object->payload != payload; object = object->next)
		;
	if (object)
		pager_object_retain(object);
	pthread_mutex_unlock(&registry);
	return object;
}

kern_return_t pager_object_init(struct pager_object *object, const struct pager_ops *ops, mach_port_t set,
	boolean_t may_cache, memory_object_copy_strategy_t copy_strategy)
{
	mach_port_t port;
	kern_return_t result = mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &port);

	if (result != KERN_SUCCESS)
		return result;
	return pager_object_take(object, ops, set, port, (uint64_t)(uintptr_t)object, may_cache, copy_strategy);
}

kern_return_t pager_object_take(struct pager_object *object, const struct pager_ops *ops, mach_port_t set,
	mach_port_t port, uint64_t payload, boolean_t may_cache, memory_object_copy_strategy_t copy_strategy)
{
	kern_return_t result;

	*object = (struct pager_object){.ops = ops,
		.port = port,
		.payload = payload,
		.refs = 1,
		.may_cache = may_cache,
		.copy_strategy = copy_strategy};
	pthread_mutex_init(&object->lock, NULL);
	pthread_cond_init(&object->lock_done, NULL);
	result = mach_port_set_protected_payload(mach_task_self(), port, payload);
	pthread_mutex_lock(&registry);
	object->next = *bucket(payload);
	*bucket(payload) = object;
	pthread_mutex_unlock(&registry);
	/* What is queued comes as soon as it is in the set. */
	if (result == KERN_SUCCESS)
		result = mach_port_move_member(mach_task_self(), port, set);
	if (result != KERN_SUCCESS) {
		object->ops = &no_ops;
		pager_object_release(object);
	}
	return result;
}

kern_return_t pager_object_keep(struct pager_object *object)
{
	kern_return_t result = mach_keep_port(object->port);

	object->kept = object->kept || result == KERN_SUCCESS;
	return result;
}

void pager_object_retain(struct pager_object *object)
{
	__atomic_add_fetch(&object->refs, 1, __ATOMIC_RELAXED);
}

void pager_object_release(struct pager_object *object)
{
	struct pager_object **link;

	/* The registry's lock keeps find_request_object from reviving an object whose last reference goes. */
	pthread_mutex_lock(&registry);
	if (__atomic_sub_fetch(&object->refs, 1, __ATOMIC_ACQ_REL) != 0) {
		pthread_mutex_unlock(&registry);
		return;
	}
	for (link = bucket(object->payload); *link != object; link = &(*link)->next)
		;
	*link = object->next;
	pthread_mutex_unlock(&registry);
	if (object->control != MACH_PORT_NULL)
		mach_port_deallocate(mach_task_self(), object->control);
	if (object->kept)
		mach_unkeep_port(object->port);
	mach_port_mod_refs(mach_task_self(), object->port, MACH_PORT_RIGHT_RECEIVE, -1);
	pthread_cond_destroy(&object->lock_done);
	pthread_mutex_destroy(&object->lock);
	if (object->ops->destroy)
		object->ops->destroy(object);
}

kern_return_t pager_object_send_right(struct pager_object *object, mach_port_t *right)
{
	kern_return_t result = KERN_SUCCESS;

	pthread_mutex_lock(&object->lock);
	if (object->sends_made == 0)
		result = mach_server_notify_no_senders(object->port);
	/* A send right in this task under the port's own name. */
	if (result == KERN_SUCCESS)
		result = mach_port_insert_right(mach_task_self(), object->port, object->port, MACH_MSG_TYPE_MAKE_SEND);
	if (result == KERN_SUCCESS) {
		object->sends_made++;
		*right = object->port;
	}
	pthread_mutex_unlock(&object->lock);
	return result;
}

boolean_t pager_no_senders(mach_port_mscount_t mscount)
{
	struct pager_object *object = find_request_object();
	boolean_t stale;

	if (!object)
		return FALSE;
	pthread_mutex_lock(&object->lock);
	stale = mscount < object->sends_made;
	/* Rights were made meanwhile: ask again. The notification has been used up. */
	if (stale)
		mach_server_notify_no_senders(object->port);
	else
		object->sends_made = 0;
	if (!stale)
		mach_port_set_mscount(mach_task_self(), object->port, 0);
	pthread_mutex_unlock(&object->lock);
	if (!stale && object->ops->no_senders)
		object->ops->no_senders(object);
	pager_object_release(object);
	return TRUE;
}

__attribute__((weak)) kern_return_t S_mach_notify_no_senders(mach_port_t notify, mach_port_mscount_t mscount)
{
	(void)notify;
	pager_no_senders(mscount);
	return KERN_SUCCESS;
}

kern_return_t S_memory_object_init(mach_port_t port, mach_port_t control, vm_size_t page_size)
{
	struct pager_object *object = find_request_object();
	mach_port_t stale = control;

	(void)port;
	if (object && page_size == VM_PAGE_SIZE) {
		pthread_mutex_lock(&object->lock);
		stale = object->control;
		object->control = control;
		memory_object_ready(control, object->may_cache, object->copy_strategy);
		pthread_mutex_unlock(&object->lock);
	}
	if (object) {
		/* The kernel's reference; a second init without a terminate between has it already. */
		if (stale == MACH_PORT_NULL)
			return KERN_SUCCESS;
		pager_object_release(object);
	}
	if (MACH_PORT_VALID(stale))
		mach_port_deallocate(mach_task_self(), stale);
	return KERN_SUCCESS;
}

kern_return_t S_memory_object_terminate(mach_port_t port)
{
	struct pager_object *object = find_request_object();
	mach_port_t control;

	(void)port;
	if (!object)
		return KERN_INVALID_ARGUMENT;
	pthread_mutex_lock(&object->lock);
	control = object->control;
	object->control = MACH_PORT_NULL;
	pthread_mutex_unlock(&object->lock);
	if (control != MACH_PORT_NULL) {
		mach_port_deallocate(mach_task_self(), control);
		if (object->ops->terminate)
			object->ops->terminate(object);
		pager_object_release(object);
	}
	pager_object_release(object);
	return KERN_SUCCESS;
}

kern_return_t S_memory_object_data_request(mach_port_t port, vm_offset_t offset, vm_size_t length, vm_prot_t access)
{
	struct pager_object *object = find_request_object();

	(void)port;
	if (!object)
		return KERN_INVALID_ARGUMENT;
	object->ops->data_request(object, offset, length, access);
	pager_object_release(object);
	return KERN_SUCCESS;
}

kern_return_t S_memory_object_data_unlock(mach_port_t port, vm_offset_t offset, vm_size_t length, vm_prot_t access)
{
	struct pager_object *object = find_request_object();

	(void)port;
	if (!object)
		return KERN_INVALID_ARGUMENT;
	if (object->ops->data_unlock)
		object->ops->data_unlock(object, offset, length, access);
	else
		pager_unlock(object, offset, length);
	pager_object_release(object);
	return KERN_SUCCESS;
}

kern_return_t S_memory_object_data_return(mach_port_t port, vm_offset_t offset, pointer_t data,
	mach_msg_type_number_t length, boolean_t dirty, boolean_t kernel_copy)
{
	struct pager_object *object = find_request_object();

	(void)port;
	if (!object)
		return KERN_INVALID_ARGUMENT;
	object->ops->data_return(object, offset, data, length, dirty, kernel_copy);
	pager_object_release(object);
	return KERN_SUCCESS;
}

/*
 * The lock request of the object that the message came to is over. While the queue of an instance before is worked off,
 * its requests' completions come, and then our own mark, which no request has as its offset.
 */
#define MARK (~(vm_offset_t)0)

static void lock_is_done(vm_offset_t offset)
{
	struct pager_object *object = find_request_object();

	if (!object)
		return;
	pthread_mutex_lock(&object->lock);
	if (offset == MARK)
		object->old_queue = FALSE;
	else if (!object->old_queue)
		object->locking = FALSE;
	pthread_cond_broadcast(&object->lock_done);
	pthread_mutex_unlock(&object->lock);
	pager_object_release(object);
}

kern_return_t S_memory_object_lock_completed(mach_port_t port, vm_offset_t offset, vm_size_t length)
{
	(void)port;
	(void)length;
	lock_is_done(offset);
	return KERN_SUCCESS;
}

/* The right to send the completion is gone with the kernel's object: nothing is left to wait for. */
__attribute__((weak)) kern_return_t S_mach_notify_send_once(mach_port_t notify)
{
	(void)notify;
	lock_is_done(0);
	return KERN_SUCCESS;
}

kern_return_t S_memory_object_supply_completed(
	mach_port_t port, vm_offset_t offset, vm_size_t length, kern_return_t result, vm_offset_t error_offset)
{
	(void)port;
	(void)offset;
	(void)length;
	(void)result;
	(void)error_offset;
	return KERN_SUCCESS;
}

kern_return_t S_memory_object_change_completed(
	mach_port_t port, boolean_t may_cache, memory_object_copy_strategy_t copy_strategy)
{
	(void)port;
	(void)may_cache;
	(void)copy_strategy;
	return KERN_SUCCESS;
}

kern_return_t pager_supply(struct pager_object *object, vm_offset_t offset, vm_address_t data, vm_size_t length,
	vm_prot_t lock, boolean_t precious)
{
	kern_return_t result = KERN_TERMINATED;

	pthread_mutex_lock(&object->lock);
	if (object->control != MACH_PORT_NULL)
		result = memory_object_data_supply(
			object->control, offset, data, (mach_msg_type_number_t)length, lock, precious, MACH_PORT_NULL);
	pthread_mutex_unlock(&object->lock);
	if (result != KERN_SUCCESS)
		vm_deallocate(mach_task_self(), data, length);
	return result;
}

kern_return_t pager_refuse(
	struct pager_object *object, vm_offset_t offset, vm_address_t data, vm_size_t length, kern_return_t reason)
{
	kern_return_t result = KERN_TERMINATED;

	pthread_mutex_lock(&object->lock);
	if (object->control != MACH_PORT_NULL)
		result = memory_object_data_refused(
			object->control, offset, data, (mach_msg_type_number_t)length, reason);
	pthread_mutex_unlock(&object->lock);
	if (result != KERN_SUCCESS)
		vm_deallocate(mach_task_self(), data, length);
	return result;
}

kern_return_t pager_forward(
	struct pager_object *object, vm_offset_t offset, vm_size_t length, mach_port_t lower, vm_offset_t lower_offset)
{
	kern_return_t result = KERN_TERMINATED;

	pthread_mutex_lock(&object->lock);
	if (object->control != MACH_PORT_NULL)
		result = memory_object_data_forward(object->control, offset, length, lower, lower_offset);
	pthread_mutex_unlock(&object->lock);
	return result;
}

kern_return_t pager_zero(struct pager_object *object, vm_offset_t offset, vm_size_t length)
{
	kern_return_t result = KERN_TERMINATED;

	pthread_mutex_lock(&object->lock);
	if (object->control != MACH_PORT_NULL)
		result = memory_object_data_unavailable(object->control, offset, length);
	pthread_mutex_unlock(&object->lock);
	return result;
}

kern_return_t pager_error(struct pager_object *object, vm_offset_t offset, vm_size_t length, kern_return_t error)
{
	kern_return_t result = KERN_TERMINATED;

	pthread_mutex_lock(&object->lock);
	if (object->control != MACH_PORT_NULL)
		result = memory_object_data_error(object->control, offset, length, error);
	pthread_mutex_unlock(&object->lock);
	return result;
}

/* A lock request that nobody waits for. Object locked. */
static kern_return_t lock_now(
	struct pager_object *object, vm_offset_t offset, vm_size_t length, boolean_t flush, vm_prot_t lock)
{
	if (object->control == MACH_PORT_NULL)
		return KERN_TERMINATED;
	return memory_object_lock_request(
		object->control, offset, length, MEMORY_OBJECT_RETURN_NONE, flush, lock, MACH_PORT_NULL);
}

kern_return_t pager_zero_locked(struct pager_object *object, vm_offset_t offset, vm_size_t length, vm_prot_t lock)
{
	kern_return_t result;

	pthread_mutex_lock(&object->lock);
	result = lock_now(object, offset, length, FALSE, lock);
	if (result == KERN_SUCCESS)
		result = memory_object_data_unavailable(object->control, offset, length);
	pthread_mutex_unlock(&object->lock);
	return result;
}

kern_return_t pager_error_locked(
	struct pager_object *object, vm_offset_t offset, vm_size_t length, kern_return_t error, vm_prot_t lock)
{
	kern_return_t result;

	pthread_mutex_lock(&object->lock);
	result = lock_now(object, offset, length, FALSE, lock);
	if (result == KERN_SUCCESS)
		result = memory_object_data_error(object->control, offset, length, error);
	pthread_mutex_unlock(&object->lock);
	return result;
}

kern_return_t pager_unlock(struct pager_object *object, vm_offset_t offset, vm_size_t length)
{
	kern_return_t result;

	pthread_mutex_lock(&object->lock);
	result = lock_now(object, offset, length, FALSE, VM_PROT_NONE);
	pthread_mutex_unlock(&object->lock);
	return result;
}

kern_return_t pager_drop(struct pager_object *object, vm_offset_t offset, vm_size_t length)
{
	kern_return_t result;

	pthread_mutex_lock(&object->lock);
	result = lock_now(object, offset, length, TRUE, VM_PROT_NO_CHANGE);
	pthread_mutex_unlock(&object->lock);
	return result;
}

/* A completion of our own at the end of the object's queue: it says when what is before it is served. */
static boolean_t send_completion(struct pager_object *object, vm_offset_t offset)
{
	mach_port_t right = MACH_PORT_NULL;
	mach_msg_type_name_t type;

	if (mach_port_extract_right(mach_task_self(), object->port, MACH_MSG_TYPE_MAKE_SEND_ONCE, &right, &type) !=
		KERN_SUCCESS)
		return FALSE;
	if (memory_object_lock_completed(right, offset, 0) == KERN_SUCCESS)
		return TRUE;
	mach_port_deallocate(mach_task_self(), right);
	return FALSE;
}

kern_return_t pager_object_go_on(struct pager_object *object)
{
	kern_return_t result;

	pthread_mutex_lock(&object->lock);
	result = memory_object_take_over(mach_task_self(), object->port);
	/* If there are none by now this says so at once. */
	mach_server_notify_no_senders(object->port);
	object->old_queue = send_completion(object, MARK);
	pthread_mutex_unlock(&object->lock);
	return result;
}

kern_return_t pager_lock_range(struct pager_object *object, vm_offset_t offset, vm_size_t length,
	memory_object_return_t should_return, boolean_t flush, vm_prot_t lock)
{
	kern_return_t result = KERN_SUCCESS;

	pthread_mutex_lock(&object->lock);
	while (object->locking || object->old_queue)
		pthread_cond_wait(&object->lock_done, &object->lock);
	if (object->control != MACH_PORT_NULL) {
		/* The completion comes to the object's own port: behind the pages that were returned. */
		result = memory_object_lock_request(
			object->control, offset, length, should_return, flush, lock, object->port);
		/* When the kernel has let go of it, what it returned before may still be queued. */
		object->locking = result == KERN_SUCCESS || send_completion(object, offset);
		while (object->locking)
			pthread_cond_wait(&object->lock_done, &object->lock);
		if (result == MACH_SEND_INVALID_DEST)
			result = KERN_SUCCESS; /* it has let go, and everything has come */
	}
	pthread_mutex_unlock(&object->lock);
	return result;
}
