/* A process's memory: a task, and the server's list of what is mapped in it. */
#ifndef PERSONALITY_MM_H
#define PERSONALITY_MM_H

#include <mach/mach_types.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/table.h"
#include "memory/areas.h"
#include "process/proc.h"

#define STACK_TOP   (VM_MAX_ADDRESS - 0x1000)
#define STACK_GAP   (1ull << 20)      /* unmapped below the stack */
#define PIE_BASE    0x555555554000ull /* where a position-independent program goes */
#define MMAP_LOWEST 0x10000ull

/* Shared by vfork's two sides and by threads (they share the process). */
struct address_space {
	unsigned references;
	mach_port_t task;
	int owner_id;          /* of whose it is or was last, 0: nobody's yet */
	struct process *owner; /* whose it is (a child of vfork only uses it), or null; */
	struct table_link by_task; /* by which it is found */
	struct user *payer; /* by the account: account_hold */
	struct areas areas;
	uint64_t size;         /* bytes mapped, */
	uint64_t data, locked; /* of them what RLIMIT_DATA and RLIMIT_MEMLOCK count */
	uint64_t brk_start, brk;
	uint64_t mmap_top; /* mappings go below */
	/* Between here and mmap_top so much room is nowhere; size 0: nobody has looked. */
	uint64_t searched_from, searched_size;
	bool lock_new; /* mlockall(MCL_FUTURE) */
};

/* MACH_PORT_NULL before its first program and after its end. */
static inline mach_port_t process_task(const struct process *process)
{
	return process->memory != NULL ? process->memory->task : MACH_PORT_NULL;
}

/*
 * An empty one, or one that inherits from another as fork does, on the account of the user. Pages that parent and child
 * share stay on the account of who touched them first. Null: no memory.
 */
struct address_space *address_space_create(uint32_t uid);
struct address_space *address_space_fork(struct address_space *parent, uint32_t uid);
/* The same to take its place: what is locked stays so. */
struct address_space *address_space_successor(struct address_space *old, uint32_t uid);
/* What is touched in it from now on the user pays for, who was held by account_hold (consumed). */
void address_space_bill(struct address_space *space, struct user *payer);
/* The task is the process's from now on; null: nobody's. */
void address_space_own(struct address_space *space, struct process *owner);
/* Whose task it is; null: none any more. */
struct process *process_of_task(mach_port_t task);
/* The last reference ends the task. May release the lock. */
void address_space_release(struct address_space *space);

/*
 * Maps at a place that must be free (address_space_unmap first). vnode: borrowed, null for anonymous; object: null for
 * anonymous, else a send right, borrowed. 0, -ENOMEM, -EACCES.
 */
int address_space_map(struct address_space *space, uint64_t address, uint64_t size, int protection, int maximum,
	int flags, struct vnode *vnode, mach_port_t object, uint64_t offset, const char *name);
int address_space_unmap(struct address_space *space, uint64_t address, uint64_t size);
/* A free range of this size, the highest below mmap_top; 0: none. */
uint64_t address_space_find(struct address_space *space, uint64_t size);
bool address_space_is_free(struct address_space *space, uint64_t address, uint64_t size);
/* The area at address, or null. */
struct vm_area *address_space_area(struct address_space *space, uint64_t address);
/* Makes borders of areas at both addresses. 0 or -ENOMEM. */
int address_space_split(struct address_space *space, uint64_t start, uint64_t end);
/* 0, -EACCES, -ENOMEM. */
int address_space_protect(struct address_space *space, struct vm_area *area, int protection);

/* --- What others do for it: one more (or less) mapping of a segment's file in a process's memory (sysvshm.c). */
void segment_mapped(struct vnode *vnode, int process);
void segment_unmapped(struct vnode *vnode, int process);

/* --- Calls of memory (mmap.c): acts on every area of a range of the caller's, after making borders at its ends. The
 * first error, or -ENOMEM at the first hole. */
int64_t address_space_each(struct call *call, uint64_t address, uint64_t size,
	int (*act)(struct call *call, struct vm_area *area, int argument), int argument);

/* MAP_LOCKED or 0. */
void address_space_set_locked(struct address_space *space, struct vm_area *area, int locked);

/* --- Limits (mmlimit.c). */
/* Bytes mapped in a range. */
uint64_t address_space_mapped(struct address_space *space, uint64_t address, uint64_t size);
/*
 * Whether the process may map so much more, of such pages: RLIMIT_AS, RLIMIT_DATA (private and writable), and for
 * MAP_LOCKED in flags RLIMIT_MEMLOCK. 0, -ENOMEM, -EAGAIN (locked), -EPERM (may lock nothing).
 */
int memory_may_grow(const struct process *process, uint64_t more, int protection, int flags);
/* Brings in what the caller has mapped in a range. May wait, the lock released. -EINTR: he was killed; -ENOMEM. */
int memory_bring(struct call *call, uint64_t start, uint64_t end);
/* The same for more data only. */
int memory_may_have_data(const struct process *process, uint64_t more);
/* Whether the process may begin a program with this memory, its stack not yet in it. 0, -ENOMEM. */
int memory_may_begin(const struct process *process, const struct address_space *space);

#endif
