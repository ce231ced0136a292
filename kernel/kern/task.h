/* Tasks: an address space, a port name space, threads, and an account that pays for them. */
#ifndef KERN_TASK_H
#define KERN_TASK_H

#include <kern/account.h>
#include <kern/thread.h>
#include <mach/foreign.h>
#include <mach/special_ports.h>

/*
 * A task is alive until task_terminate marks it dead, ends its threads, empties its space and map. The structure stays
 * while references do.
 */
struct task {
	struct lock lock;
	struct refcount refs;
	bool dead;
	uint32_t id;
	uint32_t suspend_count;
	uint8_t priority, max_priority; /* of new threads; of any */
	uint32_t thread_count;
	struct list threads;
	struct list all_link;
	struct account *account; /* for good; its own structure keeps it */
	struct vm_map *map;
	struct ipc_space *space;

	struct ipc_port *self_port; /* kernel's receive right */
	struct ipc_port *exception_port;
	struct exception_action *exception_actions; /* task_private.h; null: none were set */
	struct ipc_port *bootstrap_port;
	struct ipc_port *registered[TASK_PORT_REGISTER_MAX]; /* send rights or null */

	int foreign_setting;           /* FOREIGN_* */
	struct ipc_port *foreign_port; /* send right */
	uint64_t foreign_handler;
	foreign_bitmap_t foreign_bitmap;
	bool foreign_only; /* FOREIGN_ONLY: no trap, and no name (its space is dead); never taken back */

	struct task_tokens *tokens; /* security and audit token (kern/tokens.h), or null */

	uint8_t *io_bitmap; /* 8192 bytes, or null: no I/O ports */

	uint64_t user_ns; /* of threads that ended */
	char name[32];
	bool ending;          /* it is about to end, out of reach (task_reach.c), */
	struct list end_link; /* by this (kern/deferred.h) */
};

extern struct task kernel_task;

/*
 * A task on the account with no threads and no ports at all; inherits memory from parent (not null) if asked, and with
 * it how the handler in that memory answers foreign calls. Reference for the caller.
 */
kern_return_t task_create_in(struct account *account, task_t parent, int inherit_memory, task_t *out);
/* The same on the parent's account. */
kern_return_t task_create(task_t parent, int inherit_memory, task_t *out);
kern_return_t task_terminate(task_t task);
void task_reference(task_t task);
/* Ends the task, by the next deferred_run(), if it is out of reach (task_reach.c). No locks held. */
void task_reach_check(struct task *task);
/* So that the loss of rights to a task's or thread's fresh port makes it look. */
void task_reach_watch(struct ipc_port *port);

/* Who pays for what the current thread asks of the kernel; not in an interrupt. */
static inline struct account *current_account(void)
{
	return current_thread()->task->account;
}

#endif
