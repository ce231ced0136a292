/* The life of pagers' objects: the table of ports, initialisation, caching of unused objects, death and termination. */
#include <ipc/ipc.h>
#include <kern/kalloc.h>
#include <kern/thread.h>
#include <stubs/mach_server.h>
#include <stubs/memory_object_user.h>
#include <stubs/portolan_server.h>
#include <vm/memory_object.h>
#include <vm/pmap.h>
#include <vm/vm.h>

#define TABLE_SIZE 1024 /* a power of two */
#define CACHED_MAX 1024 /* objects without users that stay with their pages */

/* Protects the table, the list of cached objects, `gone`, and the step of a reference count from two to one. */
static struct lock table_lock = LOCK_INIT(LOCK_RANK_VM_OBJECT_TABLE);
static struct memory_object *table[TABLE_SIZE];
static struct list cached = LIST_INIT(cached); /* the longest unused first */
static unsigned cached_count;
static uint64_t next_id;
static struct kcache memory_object_cache = KCACHE(sizeof(struct memory_object));

static struct memory_object **table_slot(const struct ipc_port *port)
{
	return &table[((uintptr_t)port >> 6 ^ (uintptr_t)port >> 16) % TABLE_SIZE];
}

static struct memory_object *table_find(const struct ipc_port *port)
{
	struct memory_object *pager = *table_slot(port);

	while (pager != NULL && pager->port != port)
		pager = pager->hash_next;
	return pager;
}

/* Takes an object out of the table and the cache. Table locked; the table's reference is the caller's now. */
static void table_remove(struct memory_object *pager)
{
	struct memory_object **at = table_slot(pager->port);

	while (*at != pager)
		at = &(*at)->hash_next;
	*at = pager->hash_next;
	pager->gone = true;
	if (list_linked(&pager->cache_link)) {
		list_remove(&pager->cache_link);
		cached_count--;
	}
}

/* Ends a pager's association with an object that is out of the table. The port of the object is released. No locks
 * held. */
static void shut_down(struct memory_object *pager)
{
	vm_object_t object = pager->object;

	lock_acquire(&object->lock);
	if (pager->state == MEMORY_OBJECT_READY)
		memory_object_clean(object, 0, trunc_page(UINT64_MAX), MEMORY_OBJECT_RETURN_DIRTY, true);
	pager->state = MEMORY_OBJECT_DEAD;
	lock_release(&object->lock);
	if (ipc_port_active(pager->port))
		memory_object_terminate(pager->port);
	ipc_port_destroy(pager->control);
	ipc_port_release_send(pager->port);
}

/* --- Making. */

/* All on the account of who made the port: the pager decides how many objects there are. */
static struct memory_object *pager_create(struct ipc_port *port)
{
	struct account *account = ipc_port_account(port);
	struct memory_object *pager = kcache_alloc(&memory_object_cache, account);
	vm_object_t object;

	if (pager == NULL)
		return NULL;
	object = vm_object_create(account, 0);
	if (object == NULL) {
		kcache_free(&memory_object_cache, account, pager);
		return NULL;
	}
	pager->object = object;
	pager->ready_deadline = machine_now() + PAGER_DEADLINE_NS;
	list_init(&pager->cache_link);
	object->shared = true;
	object->pager = pager;
	pager->control = ipc_kernel_port_create(IKOT_MEMORY_CONTROL, object, account);
	if (pager->control == NULL) {
		object->pager = NULL;
		vm_object_deallocate(object);
		kcache_free(&memory_object_cache, account, pager);
		return NULL;
	}
	pager->port = ipc_port_copy_send(port);
	return pager;
}

/* Undoes pager_create. */
static void pager_discard(struct memory_object *pager)
{
	vm_object_t object = pager->object;

	ipc_port_destroy(pager->control);
	ipc_port_release_send(pager->port);
	object->pager = NULL;
	kcache_free(&memory_object_cache, object->account, pager);
	vm_object_deallocate(object);
}

kern_return_t memory_object_enter(struct ipc_port *port, vm_object_t *out)
{
	struct memory_object *pager, *made = NULL;
	struct ipc_port *control;

	for (;;) {
		lock_acquire(&table_lock);
		pager = table_find(port);
		if (pager != NULL || made != NULL)
			break;
		lock_release(&table_lock);
		if (!ipc_port_active(port))
			return KERN_INVALID_ARGUMENT;
		made = pager_create(port);
		if (made == NULL)
			return KERN_RESOURCE_SHORTAGE;
	}
	if (pager != NULL) {
		vm_object_reference(pager->object);
		if (list_linked(&pager->cache_link)) {
			list_remove(&pager->cache_link);
			cached_count--;
		}
		lock_release(&table_lock);
		if (made != NULL)
			pager_discard(made);
		*out = pager->object;
		return KERN_SUCCESS;
	}
	made->id = ++next_id;
	made->hash_next = *table_slot(port);
	*table_slot(port) = made;
	vm_object_reference(made->object);
	lock_release(&table_lock);

	control = ipc_port_make_send(made->control);
	if (!ipc_port_watch_death(port, memory_object_died))
		memory_object_died(port);
	if (memory_object_init(port, control, VM_PAGE_SIZE) != KERN_SUCCESS)
		memory_object_died(port);
	*out = made->object;
	return KERN_SUCCESS;
}

/* --- References and the cache. */

bool memory_object_drop(vm_object_t object)
{
	struct memory_object *pager = object->pager, *victim = NULL;
	uint32_t count = __atomic_load_n(&object->refs.count, __ATOMIC_RELAXED);
	bool last;

	/* As long as others remain nothing follows. Release: they see what we did. */
	while (count > 2)
		if (__atomic_compare_exchange_n(
			    &object->refs.count, &count, count - 1, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
			return false;

	lock_acquire(&table_lock);
	last = ref_drop(&object->refs);
	if (!last && !pager->gone && __atomic_load_n(&object->refs.count, __ATOMIC_RELAXED) == 1) {
		/* Only the table refers to it. */
		if (pager->state == MEMORY_OBJECT_READY && pager->may_cache) {
			if (!list_linked(&pager->cache_link)) {
				list_add_tail(&cached, &pager->cache_link);
				cached_count++;
			}
			if (cached_count > CACHED_MAX)
				victim = list_first(&cached, struct memory_object, cache_link);
		} else {
			victim = pager;
		}
		if (victim != NULL)
			table_remove(victim);
	}
	lock_release(&table_lock);
	if (victim != NULL) {
		shut_down(victim);
		if (victim->object != object)
			vm_object_deallocate(victim->object);
		else
			last = memory_object_drop(object);
	} else if (last) {
		assert(pager->gone);
		memory_object_free_forwards(object);
		kcache_free(&memory_object_cache, object->account, pager);
		object->pager = NULL;
	}
	return last;
}

bool memory_object_uncache_one(void)
{
	struct memory_object *pager;

	lock_acquire(&table_lock);
	pager = list_first(&cached, struct memory_object, cache_link);
	if (pager != NULL)
		table_remove(pager);
	lock_release(&table_lock);
	if (pager == NULL)
		return false;
	shut_down(pager);
	vm_object_deallocate(pager->object);
	return true;
}

void *memory_object_referenced(void *object)
{
	vm_object_reference(object);
	return object;
}

vm_object_t convert_port_to_object(struct ipc_port *control)
{
	return ipc_kernel_port_lookup(control, IKOT_MEMORY_CONTROL, memory_object_referenced);
}

/* --- Death. */

/*
 * What was asked of the pager fails; or, with KERN_SUCCESS, who waits for it asks again. Nothing is forwarded any more.
 * Object locked.
 */
static void end_requests(vm_object_t object, kern_return_t error)
{
	struct vm_object_walk walk = vm_object_walk(object, 0, trunc_page(UINT64_MAX));
	struct vm_page *page;

	if (error != KERN_SUCCESS)
		object->pager->state = MEMORY_OBJECT_DEAD;
	memory_object_end_forward(object, 0, UINT64_MAX);
	while ((page = vm_object_next(&walk)) != NULL) {
		if (page->absent && error != KERN_SUCCESS) {
			memory_object_page_error(page, error);
		} else if (page->absent) {
			vm_object_free_page(page);
		} else if (page->unlocking) {
			page->unlocking = false;
			vm_object_wake(page);
		}
	}
	thread_wakeup(object->pager);
}

void memory_object_died(struct ipc_port *port)
{
	struct memory_object *pager;
	vm_object_t object;

	lock_acquire(&table_lock);
	pager = table_find(port);
	if (pager == NULL) {
		lock_release(&table_lock);
		return;
	}
	object = pager->object;
	vm_object_reference(object);
	lock_release(&table_lock);
	lock_acquire(&object->lock);
	end_requests(object, KERN_MEMORY_FAILURE);
	lock_release(&object->lock);
	vm_object_deallocate(object);
}

kern_return_t memory_object_take_over(ipc_space_t task, mach_port_name_t name)
{
	struct ipc_port *port = ipc_space_receive_right(task, name);
	struct memory_object *pager;
	vm_object_t object = NULL;
	kern_return_t result;

	if (port == NULL)
		return KERN_INVALID_RIGHT;
	lock_acquire(&table_lock);
	pager = table_find(port);
	if (pager != NULL) {
		object = pager->object;
		vm_object_reference(object);
	}
	lock_release(&table_lock);
	if (object == NULL) {
		ipc_port_release(port);
		return KERN_ABSENT;
	}
	lock_acquire(&object->lock);
	end_requests(object, KERN_SUCCESS);
	pager->ready_deadline = machine_now() + PAGER_DEADLINE_NS;
	lock_release(&object->lock);
	result = memory_object_init(port, ipc_port_make_send(pager->control), VM_PAGE_SIZE);
	ipc_port_release(port);
	vm_object_deallocate(object);
	return result;
}

kern_return_t memory_object_destroy(vm_object_t object, kern_return_t reason)
{
	struct vm_object_walk walk;
	struct vm_page *page;

	if (object->pager == NULL)
		return KERN_INVALID_ARGUMENT;
	lock_acquire(&object->lock);
	end_requests(object, reason == KERN_SUCCESS ? KERN_MEMORY_FAILURE : KERN_MEMORY_ERROR);
	for (walk = vm_object_walk(object, 0, trunc_page(UINT64_MAX)); (page = vm_object_next(&walk)) != NULL;) {
		if (!page->absent && !page->error && page->wire_count == 0)
			vm_object_free_page(page);
	}
	lock_release(&object->lock);
	return KERN_SUCCESS;
}

/* --- Attributes. */

static kern_return_t set_attributes(
	vm_object_t object, boolean_t may_cache, memory_object_copy_strategy_t copy_strategy)
{
	if (object->pager == NULL)
		return KERN_INVALID_ARGUMENT;
	if (copy_strategy != MEMORY_OBJECT_COPY_NONE && copy_strategy != MEMORY_OBJECT_COPY_DELAY &&
		copy_strategy != MEMORY_OBJECT_COPY_TEMPORARY)
		return KERN_INVALID_ARGUMENT;
	lock_acquire(&object->lock);
	object->pager->may_cache = may_cache;
	if (object->pager->state == MEMORY_OBJECT_NEW) {
		object->pager->state = MEMORY_OBJECT_READY;
		thread_wakeup(object->pager);
	}
	lock_release(&object->lock);
	return KERN_SUCCESS;
}

kern_return_t memory_object_ready(vm_object_t object, boolean_t may_cache, memory_object_copy_strategy_t copy_strategy)
{
	return set_attributes(object, may_cache, copy_strategy);
}

kern_return_t memory_object_change_attributes(
	vm_object_t object, boolean_t may_cache, memory_object_copy_strategy_t copy_strategy, struct ipc_port *reply_to)
{
	kern_return_t result = set_attributes(object, may_cache, copy_strategy);

	if (result == KERN_SUCCESS && reply_to != NULL)
		memory_object_change_completed(reply_to, may_cache, copy_strategy);
	return result;
}
