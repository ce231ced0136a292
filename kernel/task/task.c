/* Tasks: making and ending them. */

#include <ipc/ipc.h>
#include <kern/kalloc.h>
#include <kern/piece.h>
#include <task/task_private.h>
#include <kern/tokens.h>
#include <vm/vm.h>

#define THREAD_COST 1000 /* instructions for one that is ended, about (kern/piece.h) */

struct task kernel_task;

static struct kcache task_cache = KCACHE(sizeof(struct task));
static uint32_t next_task_id = 1;
static struct lock tasks_lock = LOCK_INIT(LOCK_RANK_TASK);
struct list tasks = LIST_INIT(tasks);

static void task_setup(struct task *task, struct account *account)
{
	lock_init(&task->lock, LOCK_RANK_TASK);
	ref_init(&task->refs, 1);
	list_init(&task->threads);
	list_init(&task->all_link);
	task->account = account;
	task->priority = PRIORITY_USER;
	task->max_priority = PRIORITY_KERNEL - 1;
}

void task_init(void)
{
	task_setup(&kernel_task, &kernel_account);
	__builtin_strcpy(kernel_task.name, "kernel");
	deferred_handler(DEFERRED_END, task_reach_end);
}

void task_reference(task_t task)
{
	ref_take(&task->refs);
}

void task_deallocate(task_t task)
{
	if (task == NULL || !ref_drop(&task->refs))
		return;
	debug_assert(task != &kernel_task);
	/* Alive tasks have their self port's reference, so this one was terminated or never finished. */
	ipc_space_release(task->space);
	vm_map_deallocate(task->map);
	kfree(task->account, task->io_bitmap, TASK_IO_BITMAP_BYTES);
	task_tokens_release(task->tokens);
	kcache_free(&task_cache, task->account, task);
}

/* How foreign calls are answered goes with the memory that the handler is in. The port is for the creator to give. */
static void inherit_handler(struct task *child, struct task *parent)
{
	lock_acquire(&parent->lock);
	child->foreign_setting = parent->foreign_setting;
	child->foreign_handler = parent->foreign_handler;
	__builtin_memcpy(child->foreign_bitmap, parent->foreign_bitmap, sizeof(child->foreign_bitmap));
	lock_release(&parent->lock);
}

static void release_ports(struct task *task)
{
	struct ipc_port *ports[TASK_PORT_REGISTER_MAX + 3];
	struct exception_action *actions;

	lock_acquire(&task->lock);
	__builtin_memcpy(ports, task->registered, sizeof(task->registered));
	__builtin_memset(task->registered, 0, sizeof(task->registered));
	ports[TASK_PORT_REGISTER_MAX] = task->exception_port;
	ports[TASK_PORT_REGISTER_MAX + 1] = task->bootstrap_port;
	ports[TASK_PORT_REGISTER_MAX + 2] = task->foreign_port;
	task->exception_port = task->bootstrap_port = task->foreign_port = NULL;
	actions = task->exception_actions;
	task->exception_actions = NULL;
	lock_release(&task->lock);
	exception_actions_free(task->account, actions);
	for (unsigned i = 0; i < TASK_PORT_REGISTER_MAX + 3; i++)
		ipc_port_release_send(ports[i]);
}

kern_return_t task_create(task_t parent, int inherit_memory, task_t *out)
{
	return task_create_in(parent->account, parent, inherit_memory, out);
}

kern_return_t task_create_in(struct account *account, task_t parent, int inherit_memory, task_t *out)
{
	struct task *task = kcache_alloc(&task_cache, account);
	kern_return_t result;

	if (task == NULL)
		return KERN_RESOURCE_SHORTAGE;
	task_setup(task, account);
	task->id = __atomic_fetch_add(&next_task_id, 1, __ATOMIC_RELAXED);
	if (inherit_memory && parent->map != NULL)
		result = vm_map_fork(parent->map, account, &task->map);
	else
		result = vm_map_create(account, &task->map);
	if (result == KERN_SUCCESS)
		result = ipc_space_create(task, &task->space);
	if (result == KERN_SUCCESS) {
		task->self_port = ipc_kernel_port_create(IKOT_TASK, task, account);
		if (task->self_port == NULL)
			result = KERN_RESOURCE_SHORTAGE;
	}
	if (result != KERN_SUCCESS) {
		if (task->space != NULL)
			ipc_space_destroy(task->space);
		if (task->map != NULL)
			vm_map_terminate(task->map);
		task_deallocate(task);
		return result;
	}
	task->priority = parent->priority;
	task->max_priority = parent->max_priority;
	task_reach_watch(task->self_port);
	task->tokens = task_tokens_take(parent);
	if (inherit_memory)
		inherit_handler(task, parent);
	task_reference(task); /* held while it is alive */
	lock_acquire(&tasks_lock);
	list_add_tail(&tasks, &task->all_link);
	lock_release(&tasks_lock);
	*out = task;
	return KERN_SUCCESS;
}

/* The first thread of the task, with a reference; it is the last now. Null: there is none. */
static struct thread *turn_threads(struct task *task)
{
	struct thread *thread;

	lock_acquire(&task->lock);
	thread = list_first(&task->threads, struct thread, task_link);
	if (thread != NULL) {
		thread_reference(thread);
		list_remove(&thread->task_link);
		list_add_tail(&task->threads, &thread->task_link);
	}
	lock_release(&task->lock);
	return thread;
}

/* None comes any more, so as many turns as there are threads meet each, though some leave meanwhile. */
static void end_threads(struct task *task)
{
	struct thread *thread;

	for (uint32_t turns = task->thread_count; turns > 0 && (thread = turn_threads(task)) != NULL; turns--) {
		thread_terminate(thread);
		thread_deallocate(thread);
		piece_spend(THREAD_COST);
	}
}

kern_return_t task_terminate(task_t task)
{
	struct ipc_port *port;

	lock_acquire(&task->lock);
	if (task->dead) {
		lock_release(&task->lock);
		return KERN_TERMINATED;
	}
	task->dead = true; /* no new threads */
	port = task->self_port;
	task->self_port = NULL;
	lock_release(&task->lock);

	end_threads(task);
	/* Before the ports go: who takes over a pager's finds in the kernel what it had not written. */
	memory_object_put_back(task->map);
	release_ports(task);
	ipc_space_destroy(task->space);
	vm_map_terminate(task->map);
	/* Last: who hears of the death has got the rights that the task leaves behind. */
	ipc_port_destroy(port);
	lock_acquire(&tasks_lock);
	list_remove(&task->all_link);
	lock_release(&tasks_lock);
	task_deallocate(task); /* of being alive */
	return KERN_SUCCESS;
}
