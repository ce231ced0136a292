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
void task_reach_end(struct list *link); /* of DEFERRED_END */

#endif
