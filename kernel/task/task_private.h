/* What the files of kern/ share about tasks. */
#ifndef KERN_TASK_PRIVATE_H
#define KERN_TASK_PRIVATE_H

#include <kern/task.h>

#define TASK_IO_BITMAP_BYTES 8192 /* a bit for each of 65,536 I/O ports: Intel SDM volume 1, section 19.5.2 */

extern struct list tasks; /* all that are alive but the kernel's */

void task_init(void);
/*
 * Ports of a task and of its threads are in slots under the task's lock. A send right to what is in one, by
 * ipc_port_make_send or ipc_port_copy_send; null where there is nothing. And: puts a right (consumed on success) there,
 * unless the owner has ended, whose own port is in *self: KERN_TERMINATED.
 */
struct ipc_port *task_slot_right(
	struct task *task, struct ipc_port *const *slot, struct ipc_port *(*right_to)(struct ipc_port *port));
kern_return_t task_slot_fill(
	struct task *task, struct ipc_port *const *self, struct ipc_port **slot, struct ipc_port *right);

/* Whom to tell of one kind of exception, and how; an array of EXC_TYPES_COUNT is under the task's lock. */
struct exception_action {
	struct ipc_port *port; /* send right or null */
	int behavior, flavor;
};
extern struct exception_action *host_exception_actions; /* under the kernel task's lock */
/* A copy whose right is the caller's. */
struct exception_action exception_action_of(struct task *task, struct exception_action *const *actions, int kind);
/* Lets go of the array and what is in it; null is let pass. No locks held. */
void exception_actions_free(struct account *account, struct exception_action *actions);

void task_reach_end(struct list *link); /* of DEFERRED_END */

#endif
