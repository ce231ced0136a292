/* The thread that keeps pages free. */
#ifndef VM_VM_PAGEOUT_H
#define VM_VM_PAGEOUT_H

#include <kern/account.h>

#define SHORTAGE_NAP_NS 20000000ull /* between two tries of who waits for memory that is being freed, or somebody ended for */

/* Creates it; after threads work. */
void vm_pageout_start(void);
/* It has something to do: pages are few, or the kernel's caches have some to give back. No locks of ranks from
 * LOCK_RANK_WAIT on. */
void vm_pageout_wake(void);

/*
 * The answer to the current thread that could not get a page, or memory for a page table, on the account: KERN_RESTART
 * when page-out may free some (it has asserted a wait), else, or if the account is at a limit, KERN_RESOURCE_SHORTAGE.
 * Locks at most of a map and objects.
 */
kern_return_t vm_page_wait(const struct account *account);
/* For who could not get memory and tries again a little later: wakes page-out, asserts a wait; KERN_RESTART. */
kern_return_t vm_page_nap(const void *event);
/* Nothing is left that page-out should take. */
bool vm_page_only_kept(void);
/* Starts page-out when free pages are few, lets waiters try again when they are not. Locks as above. */
void vm_page_balance(void);

#endif
