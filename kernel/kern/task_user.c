/* The task_ routines of mach.defs and portolan.defs that are more than a call into task.c. */
#include <ipc/ipc.h>
#include <kern/kalloc.h>
#include <kern/task.h>
#include <kern/thread.h>
#include <mach/task_info.h>
#include <stubs/mach_server.h>
#include <stubs/portolan_server.h>
#include <vm/vm.h>

/* Rights to all threads, as an out-of-line array; the list is as of one moment. */
kern_return_t
task_threads(task_t task, ipc_port_array_t *list, mach_msg_type_number_t *count)
{
	struct ipc_port **rights;
	uint32_t room, n = 0;
	struct list *link;

	if (task == NULL)
		return KERN_INVALID_ARGUMENT;
	for (;;) {
		room = task->thread_count;
		if (room == 0) {
			*list = NULL;
			*count = 0;
			return KERN_SUCCESS;
		}
		rights = kalloc(room * sizeof(*rights));
		if (rights == NULL)
			return KERN_RESOURCE_SHORTAGE;
		lock_acquire(&task->lock);
		if (task->thread_count == room)
			break;
		lock_release(&task->lock);
		kfree(rights, room * sizeof(*rights));
	}
	list_for_each (link, &task->threads)
		rights[n++] = ipc_port_make_send(container_of(link, struct thread, task_link)->self_port);
	lock_release(&task->lock);
	*list = rights;
	*count = n;
	return KERN_SUCCESS;
}

kern_return_t
task_info(task_t task, int flavor, task_info_t out, mach_msg_type_number_t *count)
{
	struct task_basic_info info;
	struct list *link;

	if (task == NULL || flavor != TASK_BASIC_INFO)
		return KERN_INVALID_ARGUMENT;
	info = (struct task_basic_info){
		.suspend_count = task->suspend_count,
		.virtual_size = vm_map_virtual_size(task->map),
		.resident_size = vm_map_resident_size(task->map),
		.kernel_bytes = __atomic_load_n(&task->kernel_bytes, __ATOMIC_RELAXED),
		.threads = task->thread_count,
	};
	lock_acquire(&task->lock);
	info.user_ns = task->user_ns;
	info.system_ns = task->system_ns;
	list_for_each (link, &task->threads) {
		const struct thread *thread = container_of(link, struct thread, task_link);

		info.user_ns += thread->user_ns;
		info.system_ns += thread->system_ns;
	}
	lock_release(&task->lock);
	__builtin_memcpy(out, &info, sizeof(info));
	*count = TASK_BASIC_INFO_COUNT;
	return KERN_SUCCESS;
}

/* Applies fn to each thread; references keep the list's elements while the lock is released. */
static void
for_each_thread(struct task *task, kern_return_t (*fn)(thread_t thread))
{
	struct thread *previous = NULL;
	struct list *link;

	lock_acquire(&task->lock);
	for (link = task->threads.next; link != &task->threads;) {
		struct thread *thread = container_of(link, struct thread, task_link);

		thread_reference(thread);
		lock_release(&task->lock);
		fn(thread);
		thread_deallocate(previous);
		previous = thread;
		lock_acquire(&task->lock);
		/* A thread that ended meanwhile is off the list: begin again would suspend twice, so stop there. */
		link = list_linked(&thread->task_link) ? thread->task_link.next : &task->threads;
	}
	lock_release(&task->lock);
	thread_deallocate(previous);
}

kern_return_t
task_suspend(task_t task)
{
	if (task == NULL || task == &kernel_task)
		return KERN_INVALID_ARGUMENT;
	lock_acquire(&task->lock);
	if (task->dead || task->suspend_count == UINT32_MAX) {
		lock_release(&task->lock);
		return task->dead ? KERN_TERMINATED : KERN_FAILURE;
	}
	if (task->suspend_count++ != 0) {
		lock_release(&task->lock);
		return KERN_SUCCESS;
	}
	lock_release(&task->lock);
	for_each_thread(task, thread_suspend);
	return KERN_SUCCESS;
}

kern_return_t
task_resume(task_t task)
{
	if (task == NULL || task == &kernel_task)
		return KERN_INVALID_ARGUMENT;
	lock_acquire(&task->lock);
	if (task->suspend_count == 0) {
		lock_release(&task->lock);
		return KERN_FAILURE;
	}
	if (--task->suspend_count != 0) {
		lock_release(&task->lock);
		return KERN_SUCCESS;
	}
	lock_release(&task->lock);
	for_each_thread(task, thread_resume);
	return KERN_SUCCESS;
}

/* The slot that holds the special port, or null. */
static struct ipc_port **
special_port(struct task *task, int which)
{
	switch (which) {
	case TASK_EXCEPTION_PORT:
		return &task->exception_port;
	case TASK_BOOTSTRAP_PORT:
		return &task->bootstrap_port;
	default:
		return NULL;
	}
}

/* A send right to what the slot holds. */
static struct ipc_port *
copy_slot(struct task *task, struct ipc_port **slot)
{
	struct ipc_port *right;

	lock_acquire(&task->lock);
	right = *slot != NULL ? ipc_port_copy_send(*slot) : NULL;
	lock_release(&task->lock);
	return right;
}

/* Puts a right (consumed) into the slot, unless the task is dead. */
static kern_return_t
fill_slot(struct task *task, struct ipc_port **slot, struct ipc_port *right)
{
	struct ipc_port *old;

	lock_acquire(&task->lock);
	if (task->dead) {
		lock_release(&task->lock);
		return KERN_TERMINATED;
	}
	old = *slot;
	*slot = right;
	lock_release(&task->lock);
	ipc_port_release_send(old);
	return KERN_SUCCESS;
}

kern_return_t
task_get_special_port(task_t task, int which, ipc_port_t *port)
{
	struct ipc_port **slot;

	if (task == NULL)
		return KERN_INVALID_ARGUMENT;
	if (which == TASK_KERNEL_PORT) {
		task_reference(task);
		*port = convert_task_to_port(task);
		return KERN_SUCCESS;
	}
	slot = special_port(task, which);
	if (slot == NULL)
		return KERN_INVALID_ARGUMENT;
	*port = copy_slot(task, slot);
	return KERN_SUCCESS;
}

kern_return_t
task_set_special_port(task_t task, int which, ipc_port_t port)
{
	struct ipc_port **slot = task != NULL ? special_port(task, which) : NULL;

	return slot != NULL ? fill_slot(task, slot, port) : KERN_INVALID_ARGUMENT;
}

kern_return_t
mach_ports_register(task_t task, int slot, ipc_port_t port, mach_msg_type_name_t disposition)
{
	if (task == NULL || slot < 0 || slot >= TASK_PORT_REGISTER_MAX || disposition != MACH_MSG_TYPE_PORT_SEND)
		return KERN_INVALID_ARGUMENT;
	return fill_slot(task, &task->registered[slot], port);
}

kern_return_t
mach_ports_lookup(task_t task, int slot, ipc_port_t *port, mach_msg_type_name_t *disposition)
{
	if (task == NULL || slot < 0 || slot >= TASK_PORT_REGISTER_MAX)
		return KERN_INVALID_ARGUMENT;
	*port = copy_slot(task, &task->registered[slot]);
	*disposition = MACH_MSG_TYPE_PORT_SEND;
	return KERN_SUCCESS;
}

kern_return_t
task_set_foreign(task_t task, int setting, vm_address_t handler, ipc_port_t port, const foreign_bitmap_t bitmap)
{
	struct ipc_port *old;

	if (task == NULL || setting < FOREIGN_EXCEPTION || setting > FOREIGN_MIXED || handler >= VM_MAX_ADDRESS)
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
	lock_release(&task->lock);
	ipc_port_release_send(old);
	return KERN_SUCCESS;
}

kern_return_t
task_set_name(task_t task, const char *name)
{
	if (task == NULL)
		return KERN_INVALID_ARGUMENT;
	lock_acquire(&task->lock);
	__builtin_strncpy(task->name, name, sizeof(task->name) - 1);
	task->name[sizeof(task->name) - 1] = '\0';
	lock_release(&task->lock);
	return KERN_SUCCESS;
}

kern_return_t
task_set_kernel_limit(host_t host, task_t task, vm_size_t bytes)
{
	if (host == NULL)
		return KERN_INVALID_HOST;
	if (task == NULL)
		return KERN_INVALID_ARGUMENT;
	task->kernel_limit = bytes;
	return KERN_SUCCESS;
}
