/* The thread that keeps pages free. */
#ifndef VM_VM_PAGEOUT_H
#define VM_VM_PAGEOUT_H

/* Creates it; after threads work. */
void vm_pageout_start(void);
/* It has something to do: pages are few, or the kernel's caches have some to give back. No locks of ranks from
 * LOCK_RANK_WAIT on. */
void vm_pageout_wake(void);

#endif
