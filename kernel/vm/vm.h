/* What the rest of the kernel asks of memory. */
#ifndef VM_VM_H
#define VM_VM_H

#include <kern/page.h>

/* --- Maps. */

kern_return_t vm_map_create(struct account *account, vm_map_t *out);
/* The child's map of fork, by each entry's inheritance, on the account. */
kern_return_t vm_map_fork(vm_map_t parent, struct account *account, vm_map_t *out);
/* What is touched through it from now on is on this account. */
kern_return_t vm_map_bill(vm_map_t map, struct account *account);
/* Unmaps all; called once at task_terminate, references may remain. */
void vm_map_terminate(vm_map_t map);

/* Existing physical pages (boot modules, device memory) as an object; a reference. */
vm_object_t vm_object_physical(struct account *account, uint64_t physical, uint64_t size, bool cached);
void vm_object_reference(vm_object_t object);

/*
 * Makes the page at the address present for the access in the map's pmap. KERN_SUCCESS; KERN_RESTART: the current
 * thread has asserted a wait and must block and try again; else the code of EXC_BAD_ACCESS.
 */
kern_return_t vm_fault(vm_map_t map, vm_address_t address, vm_prot_t access);

/* --- Out-of-line memory. A copy holds pages or object references; a snapshot that later writes by the sender do not
 * reach. */

/* KERN_RESTART as vm_fault. destroy: the range leaves the map (moved). */
kern_return_t vm_map_copyin(vm_map_t map, vm_address_t address, vm_size_t size, bool destroy, vm_map_copy_t *out);
/* Finds room and maps; copy consumed on success only. May return KERN_RESTART (nothing changed). */
kern_return_t vm_map_copyout(vm_map_t map, vm_address_t *address, vm_map_copy_t copy);
void vm_map_copy_discard(vm_map_copy_t copy);
vm_size_t vm_map_copy_size(vm_map_copy_t copy);
/* Kernel memory as a copy (for replies with out-of-line arrays): bytes are copied into pages, on the current thread's
 * account as all copies. Null: no memory. */
vm_map_copy_t vm_map_copy_from_kernel(const void *bytes, vm_size_t size);
/* Reads from a copy whose pages are resident; KERN_RESTART when one is not. */
kern_return_t vm_map_copy_read(vm_map_copy_t copy, vm_offset_t offset, void *bytes, vm_size_t size);

/*
 * The map's task is about to end: pages that were returned to it as a pager, and that it has not freed (so it has not
 * written them), are dirty pages of their objects again. Only of a map with wired memory, as every pager has. No locks
 * held.
 */
void memory_object_put_back(vm_map_t map);

/* --- Copying between tasks in one copy: the traps read_overwrite and write. */
int64_t vm_trap_read_overwrite(struct thread *self);
int64_t vm_trap_write(struct thread *self);

/* --- Waiting on a word: task/word.c asks what the word at a user address is, for assert_wait_word. */
struct word_key;
kern_return_t vm_word_key(vm_map_t map, vm_address_t address, bool shared, struct word_key *key);

/* Contiguous memory for a driver: an object and its physical address. */
kern_return_t vm_allocate_dma(vm_size_t size, vm_object_t *object, uint64_t *physical);
/* A right to a port that stands for an object without pager (reference consumed) and goes with its last sender. Null:
 * no memory. */
struct ipc_port *vm_object_port(vm_object_t object);

#endif
