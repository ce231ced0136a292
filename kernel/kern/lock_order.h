/* The one order in which the kernel's locks are taken: a lock may be taken while only locks of lower rank are held. */
#ifndef KERN_LOCK_ORDER_H
#define KERN_LOCK_ORDER_H

/*
 * Two locks of one rank are taken together only where this list says so, in the order of their addresses.
 * Nothing blocks or touches user memory with a lock held. HOST_LOCKS_LIST (mach/host_counters.h) has their names.
 */
enum lock_rank {
	LOCK_RANK_ACCOUNT,         /* accounts: their ports, limits that are split */
	LOCK_RANK_TASK,            /* task: threads, special ports, suspend count */
	LOCK_RANK_VM_MAP,          /* map: entries (two maps: by address) */
	LOCK_RANK_VM_OBJECT_TABLE, /* pagers' ports to objects, cached objects */
	LOCK_RANK_VM_OBJECT,       /* object: pages, shadow, pager state (an object before its shadow, both before a swap area's) */
	LOCK_RANK_SPACE,           /* space: entries (two spaces: by address) */
	LOCK_RANK_TRANSIT,         /* receive rights on their way in messages */
	LOCK_RANK_PORT,            /* port: queue, waiters, rights (two ports: by address) */
	LOCK_RANK_PORT_SET,        /* set: members, those with messages, waiters */
	LOCK_RANK_TIMER,           /* a processor's timers */
	LOCK_RANK_WAIT,            /* a bucket of the event hash */
	LOCK_RANK_THREAD,          /* thread: state, suspend count, wait */
	LOCK_RANK_TOKENS,          /* which tokens a task has */
	LOCK_RANK_RUN_QUEUE,
	LOCK_RANK_VM_PAGE_QUEUE, /* active, inactive queues */
	LOCK_RANK_PMAP,
	LOCK_RANK_MAPPINGS,     /* reverse mappings of a page */
	LOCK_RANK_KALLOC,       /* a cache of the allocator */
	LOCK_RANK_MAGAZINE,        /* a processor's free pages */
	LOCK_RANK_VM_FREE_LIST, /* free pages */
	LOCK_RANK_DEVICE,
	LOCK_RANK_CONSOLE,
	LOCK_RANKS
};

#endif
