/* The task_ routines of mach.defs and portolan.defs that are more than a call into task.c. */
#include <ipc/ipc.h>
#include <kern/kalloc.h>
#include <kern/piece.h>
#include <stubs/mach_server.h>
#include <stubs/portolan_server.h>
#include <task/task_private.h>
#include <vm/vm_map.h>

/* What a thread takes that is looked at, and one that is changed, about (kern/piece.h). */
#define LOOK_COST   40
#define CHANGE_COST 800

/*
 * References to all threads of the task, as of one moment; returns with the task locked. *list is kalloc'ed for *count
 * entries, null when there are none; false (unlocked): no memory.
 */
static bool lock_and_list_threads(struct task *task, struct thread ***list, uint32_t *count)
{
	struct list *link;
	uint32_t n = 0;

	*list = NULL;
	*count = 0;
	lock_acquire(&task->lock);
	while (task->thread_count != *count) {
		uint32_t room = task->thread_count;

		lock_release(&task->lock);
		kfree(current_account(), *list, *count * sizeof(**list));
		*list = room != 0 ? kalloc(current_account(), room * sizeof(**list)) : NULL;
		*count = room;
		if (room != 0 && *list == NULL)
			return false;
		lock_acquire(&task->lock);
	}
	list_for_each (link, &task->threads) {
		(*list)[n] = container_of(link, struct thread, task_link);
		thread_reference((*list)[n++]);
		piece_spend(LOOK_COST);
	}
	return true;
}

/* Rights to all threads, as an out-of-line array. */
kern_return_t task_threads(task_t task, ipc_port_array_t *list, mach_msg_type_number_t *count)
{
	struct thread **threads;

	if (!lock_and_list_threads(task, &threads, count))
		return KERN_RESOURCE_SHORTAGE;
	lock_release(&task->lock);
	/* In place: a pointer to a right replaces the pointer to its thread. */
	*list = (ipc_port_array_t)(void *)threads;
	for (uint32_t i = 0; i < *count; i++) {
		(*list)[i] = convert_thread_to_port(threads[i]);
		piece_spend(2 * LOOK_COST);
	}
	return KERN_SUCCESS;
}

kern_return_t task_info(task_t task, int flavor, uint64_t *out, mach_msg_type_number_t *count)
{
	struct portolan_task_info info;
	struct list *link;

	if (flavor != PORTOLAN_TASK_INFO)
		return KERN_INVALID_ARGUMENT;
	sched_account(); /* it may be the caller's own time */
	info = (struct portolan_task_info){
		.suspend_count = task->suspend_count,
		.virtual_size = task->map->size,
		.resident_size = pmap_resident_pages(task->map->pmap) << VM_PAGE_SHIFT,
		.kernel_bytes = __atomic_load_n(&task->account->bytes, __ATOMIC_RELAXED),
		.threads = task->thread_count,
		.priority = task->priority,
		.max_priority = task->max_priority,
	};
	lock_acquire(&task->lock);
	info.user_ns = task->user_ns;
	list_for_each (link, &task->threads) {
		const struct thread *thread = container_of(link, struct thread, task_link);

		info.user_ns += thread->user_ns;
		piece_spend(LOOK_COST);
	}
	lock_release(&task->lock);
	__builtin_memcpy(out, &info, sizeof(info));
	*count = PORTOLAN_TASK_INFO_COUNT;
	return KERN_SUCCESS;
}

/*
 * Changes the suspend count by one; when that starts or ends the suspension, so it does that of each thread of that
 * moment. Under one lock, so that each thread meets suspensions and resumptions in one order.
 */
static kern_return_t change_suspension(struct task *task, bool suspend)
{
	kern_return_t result = KERN_SUCCESS;
	bool changes = false;
	struct thread **threads;
	uint32_t count;

	if (!lock_and_list_threads(task, &threads, &count))
		return KERN_RESOURCE_SHORTAGE;
	if (task->dead) {
		result = KERN_TERMINATED;
	} else if (task->suspend_count == (suspend ? UINT32_MAX : 0)) {
		result = KERN_FAILURE;
	} else if (suspend) {
		changes = task->suspend_count++ == 0;
	} else {
		changes = --task->suspend_count == 0;
	}
	for (uint32_t i = 0; changes && i < count; i++) {
		piece_spend(CHANGE_COST);
		(void)(suspend ? thread_suspend_begin(threads[i]) : thread_resume(threads[i]));
	}
	lock_release(&task->lock);
	for (uint32_t i = 0; i < count; i++) {
		piece_spend(LOOK_COST);
		if (changes && suspend)
			thread_suspend_finish(threads[i]);
		thread_deallocate(threads[i]);
	}
	kfree(current_account(), threads, count * sizeof(*threads));
	return result;
}

kern_return_t task_suspend(task_t task)
{
	return change_suspension(task, true);
}

kern_return_t task_resume(task_t task)
{
	return change_suspension(task, false);
}

/* The slot that holds the special port, or null. */
static struct ipc_port **special_port(struct task *task, int which)
{
	if (which == TASK_EXCEPTION_PORT)
		return &task->exception_port;
	return which == TASK_BOOTSTRAP_PORT ? &task->bootstrap_port : NULL;
}

struct ipc_port *task_slot_right(
	struct task *task, struct ipc_port *const *slot, struct ipc_port *(*right_to)(struct ipc_port *port))
{
	struct ipc_port *right;

	lock_acquire(&task->lock);
	right = right_to(*slot);
	lock_release(&task->lock);
	return right;
}

kern_return_t task_slot_fill(
	struct task *task, struct ipc_port *const *self, struct ipc_port **slot, struct ipc_port *right)
{
	struct ipc_port *old;

	lock_acquire(&task->lock);
	if (*self == NULL) {
		lock_release(&task->lock);
		return KERN_TERMINATED;
	}
	old = *slot;
	*slot = right;
	lock_release(&task->lock);
	ipc_port_release_send(old);
	return KERN_SUCCESS;
}

kern_return_t task_get_special_port(task_t task, int which, ipc_port_t *port)
{
	struct ipc_port **slot;

	if (which == TASK_KERNEL_PORT) {
		*port = task_slot_right(task, &task->self_port, ipc_port_make_send);
		return KERN_SUCCESS;
	}
	slot = special_port(task, which);
	if (slot == NULL)
		return KERN_INVALID_ARGUMENT;
	*port = task_slot_right(task, slot, ipc_port_copy_send);
	return KERN_SUCCESS;
}

kern_return_t task_set_special_port(task_t task, int which, ipc_port_t port)
{
	struct ipc_port **slot = special_port(task, which);

	return slot != NULL ? task_slot_fill(task, &task->self_port, slot, port) : KERN_INVALID_ARGUMENT;
}

kern_return_t mach_ports_register(task_t task, int slot, ipc_port_t port, mach_msg_type_name_t disposition)
{
	if (slot < 0 || slot >= TASK_PORT_REGISTER_MAX || disposition != MACH_MSG_TYPE_PORT_SEND)
		return KERN_INVALID_ARGUMENT;
	return task_slot_fill(task, &task->self_port, &task->registered[slot % TASK_PORT_REGISTER_MAX], port);
}

kern_return_t mach_ports_lookup(task_t task, int slot, ipc_port_t *port, mach_msg_type_name_t *disposition)
{
	if (slot < 0 || slot >= TASK_PORT_REGISTER_MAX)
		return KERN_INVALID_ARGUMENT;
	*port = task_slot_right(task, &task->registered[slot % TASK_PORT_REGISTER_MAX], ipc_port_copy_send);
	*disposition = MACH_MSG_TYPE_PORT_SEND;
	return KERN_SUCCESS;
}

kern_return_t task_set_foreign(task_t task, int setting, vm_address_t handler, ipc_port_t port, const uint64_t *bitmap)
{
	bool only = (setting & FOREIGN_ONLY) != 0;
	struct ipc_port *old;

	setting &= ~FOREIGN_ONLY;
	if (setting < FOREIGN_EXCEPTION || setting > FOREIGN_MIXED ||
		handler >= VM_MAX_ADDRESS)
		return KERN_INVALID_ARGUMENT;
	lock_acquire(&task->lock);
	if (task->dead) {
		lock_release(&task->lock);
		return KERN_TERMINATED;
	}
	old = task->foreign_port;
	task->foreign_port = port;
	task->foreign_handler = handler;
	__builtin_memcpy(task->foreign_bitmap, bitmap, sizeof(task->foreign_bitmap));
	task->foreign_setting = setting;
	task->foreign_only |= only;
	lock_release(&task->lock);
	ipc_port_release_send(old);
	if (only)
		ipc_space_destroy(task->space); /* the task has no name, and gets none */
	return KERN_SUCCESS;
}

kern_return_t task_set_name(task_t task, const char *name)
{
	lock_acquire(&task->lock);
	__builtin_strncpy(task->name, name, sizeof(task->name) - 1);
	task->name[sizeof(task->name) - 1] = '\0';
	lock_release(&task->lock);
	return KERN_SUCCESS;
}

/* Threads above the new maximum come down to it. Task locked. */
static void set_max_priority(struct task *task, uint8_t max_priority)
{
	struct list *link;

	task->max_priority = max_priority;
	list_for_each (link, &task->threads) {
		struct thread *thread = container_of(link, struct thread, task_link);

		if (thread->priority > max_priority)
			thread_set_priority(thread, max_priority);
	}
}

kern_return_t task_priority(task_t task, int priority, int max_priority)
{
	kern_return_t result = KERN_SUCCESS;

	if (priority <= PRIORITY_IDLE || priority > max_priority || max_priority >= PRIORITY_KERNEL)
		return KERN_INVALID_ARGUMENT;
	lock_acquire(&task->lock);
	if (max_priority <= task->max_priority) {
		task->priority = (uint8_t)priority;
		set_max_priority(task, (uint8_t)max_priority);
	} else {
		result = KERN_NO_ACCESS;
	}
	lock_release(&task->lock);
	return result;
}

kern_return_t task_max_priority(host_t, task_t task, int max_priority)
{
	if (max_priority <= PRIORITY_IDLE || max_priority >= PRIORITY_KERNEL)
		return KERN_INVALID_ARGUMENT;
	lock_acquire(&task->lock);
	set_max_priority(task, (uint8_t)max_priority);
	if (task->priority > max_priority)
		task->priority = (uint8_t)max_priority;
	lock_release(&task->lock);
	return KERN_SUCCESS;
}
