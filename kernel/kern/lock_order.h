/* The one order in which the kernel's locks are taken: a lock may be taken while only locks of lower rank are held. */
#ifndef KERN_LOCK_ORDER_H
#define KERN_LOCK_ORDER_H

/*
 * Two locks of one rank are taken together only where this list says so, in the order of their addresses.
 * Nothing blocks or touches user memory with a lock held.
 */
enum lock_rank {
	LOCK_RANK_ACCOUNT = 5,          /* accounts: their ports, limits that are split */
	LOCK_RANK_TASK = 10,            /* task: threads, special ports, suspend count */
	LOCK_RANK_VM_MAP = 20,          /* map: entries (two maps: by address) */
	LOCK_RANK_VM_OBJECT_TABLE = 25, /* pagers' ports to objects, cached objects */
	LOCK_RANK_VM_OBJECT = 30,       /* object: pages, shadow, pager state (an object before its shadow) */
	LOCK_RANK_SPACE = 40,           /* space: entries (two spaces: by address) */
	LOCK_RANK_TRANSIT = 45,         /* receive rights on their way in messages */
	LOCK_RANK_PORT = 50,            /* port: queue, waiters, rights (two ports: by address) */
	LOCK_RANK_PORT_SET = 55,        /* set: members, those with messages, waiters */
	LOCK_RANK_TIMER = 60,           /* a processor's timers */
	LOCK_RANK_WAIT = 65,            /* a bucket of the event hash */
	LOCK_RANK_THREAD = 70,          /* thread: state, suspend count, wait */
	LOCK_RANK_TOKENS = 72,          /* which tokens a task has */
	LOCK_RANK_RUN_QUEUE = 75,
	LOCK_RANK_VM_PAGE_QUEUE = 80, /* active, inactive queues */
	LOCK_RANK_PMAP = 85,
	LOCK_RANK_MAPPINGS = 87,           /* reverse mappings of a page */
	LOCK_RANK_KALLOC = 90,       /* a cache of the allocator */
	LOCK_RANK_VM_FREE_LIST = 95, /* free pages */
	LOCK_RANK_DEVICE = 97,
	LOCK_RANK_CONSOLE = 99,
};

#endif
