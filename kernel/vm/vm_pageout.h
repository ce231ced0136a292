/* The thread that keeps pages free. */
#ifndef VM_VM_PAGEOUT_H
#define VM_VM_PAGEOUT_H

/* Creates it; after threads work. */
void vm_pageout_start(void);

#endif
