/* What the files of kern/ share about tasks. */
#ifndef KERN_TASK_PRIVATE_H
#define KERN_TASK_PRIVATE_H

#include <kern/task.h>

#define TASK_IO_BITMAP_BYTES 8192 /* a bit for each of 65,536 I/O ports: Intel SDM volume 1, section 19.5.2 */

extern struct list tasks; /* all that are alive but the kernel's */

void task_init(void);
void task_reach_end(struct list *link); /* of DEFERRED_END */

#endif
