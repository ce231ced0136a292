/* Memory objects as messages: each is a structure of yours, its messages are your functions. What most pagers want
 * stands on this: pagers/kit/kit.h. */
#ifndef MACH_PAGER_H
#define MACH_PAGER_H

#include <mach/server.h>
#include <pthread.h>

/*
 * A memory object, embedded in the pager's own structure (container_of, or first member).
 *
 *   IDLE   no kernel knows it: control is null.
 *   READY  between memory_object_init and memory_object_terminate (or the death of the control port): control is a send
 * right.
 *
 * References: one is the creator's, one the kernel's while READY, one is lent to each function of `ops` while it runs;
 * pager_object_retain takes others. The last release calls ops->destroy.
 */
struct pager_object {
	const struct pager_ops *ops;
	mach_port_t port;    /* receive right */
	uint64_t payload;    /* of the port: this structure's address, or what pager_object_take was given */
	mach_port_t control; /* send right, or null */
	boolean_t kept;      /* the port outlives the task, but not the object's last release */
	boolean_t may_cache;
	memory_object_copy_strategy_t copy_strategy;
	unsigned refs;
	mach_port_mscount_t sends_made; /* since the last no-senders */
	pthread_mutex_t lock;           /* control, sends_made */
	pthread_cond_t lock_done;
	boolean_t locking;         /* a lock request is under way */
	boolean_t old_queue;       /* what was queued for an instance before is not served yet */
	struct pager_object *next; /* in the kit's registry */
};

struct pager_ops {
	/* The kernel wants pages. Answer the whole range by pager_supply, pager_zero or pager_error; now or later. */
	void (*data_request)(struct pager_object *object, vm_offset_t offset, vm_size_t length, vm_prot_t access);
	/* Pages come back; the memory at data is yours (vm_deallocate). kernel_copy: the kernel still has them. */
	void (*data_return)(struct pager_object *object, vm_offset_t offset, vm_address_t data, vm_size_t length,
		boolean_t dirty, boolean_t kernel_copy);
	/* Access to pages that you supplied locked. May be null: they are unlocked. */
	void (*data_unlock)(struct pager_object *object, vm_offset_t offset, vm_size_t length, vm_prot_t access);
	/* The kernel has dropped the object (a new init may follow). May be null. */
	void (*terminate)(struct pager_object *object);
	/* No one has a right to it any more, the kernel neither. May be null. */
	void (*no_senders)(struct pager_object *object);
	/* The last reference is gone: the port is destroyed already; free the structure. May be null. */
	void (*destroy)(struct pager_object *object);
};

/* The subsystems that a pager's server loop serves: add them to your own list. */
extern const struct mig_subsystem memory_object_subsystem;
extern const struct mig_subsystem notify_subsystem;

/* Makes the port in the port set of the server loop. may_cache: the kernel may keep pages when nothing is mapped. */
kern_return_t pager_object_init(struct pager_object *object, const struct pager_ops *ops, mach_port_t set,
	boolean_t may_cache, memory_object_copy_strategy_t copy_strategy);
/*
 * The same for a receive right that the caller has: new, or of an earlier instance (mach/keep.h), with what is queued;
 * then call pager_object_go_on. The payload is the pager's choice, another for each of its objects: a number by
 * which the next instance knows what the port is. The port is consumed, even on failure.
 */
kern_return_t pager_object_take(struct pager_object *object, const struct pager_ops *ops, mach_port_t set,
	mach_port_t port, uint64_t payload, boolean_t may_cache, memory_object_copy_strategy_t copy_strategy);
/*
 * For the port of an instance before: the kernel asks again for what was not answered; no_senders comes when there are
 * none; pager_lock_range waits first for what is queued. What memory_object_take_over returns.
 */
kern_return_t pager_object_go_on(struct pager_object *object);
/* The port outlives the task, for the next instance. */
kern_return_t pager_object_keep(struct pager_object *object);
void pager_object_retain(struct pager_object *object);
void pager_object_release(struct pager_object *object);
/* A send right to hand out; asks for no_senders. */
kern_return_t pager_object_send_right(struct pager_object *object, mach_port_t *right);

/* For a server with a S_mach_notify_no_senders of its own: true if the notification was for a memory object, and is
 * served. */
boolean_t pager_no_senders(mach_port_mscount_t mscount);

/* Answers. supply moves the page-aligned memory out of the caller. */
kern_return_t pager_supply(struct pager_object *object, vm_offset_t offset, vm_address_t data, vm_size_t length,
	vm_prot_t lock, boolean_t precious);
kern_return_t pager_zero(struct pager_object *object, vm_offset_t offset, vm_size_t length);
kern_return_t pager_error(struct pager_object *object, vm_offset_t offset, vm_size_t length, kern_return_t error);
/* data_return's pages cannot be written: the kernel keeps them, dirty, for another one. Moves them out of the caller.
 */
kern_return_t pager_refuse(
	struct pager_object *object, vm_offset_t offset, vm_address_t data, vm_size_t length, kern_return_t reason);
/* Zeros that are locked against `lock`; an error that only accesses in `lock` get: others are asked for again. */
kern_return_t pager_zero_locked(struct pager_object *object, vm_offset_t offset, vm_size_t length, vm_prot_t lock);
kern_return_t pager_error_locked(
	struct pager_object *object, vm_offset_t offset, vm_size_t length, kern_return_t error, vm_prot_t lock);
/* The range is what another object has from `lower_offset` on; an error: answer otherwise (memory_object_data_forward).
 */
kern_return_t pager_forward(
	struct pager_object *object, vm_offset_t offset, vm_size_t length, mach_port_t lower, vm_offset_t lower_offset);
/* Answers data_unlock: the access is allowed; or the pages are dropped, and asked for by data_request. */
kern_return_t pager_unlock(struct pager_object *object, vm_offset_t offset, vm_size_t length);
kern_return_t pager_drop(struct pager_object *object, vm_offset_t offset, vm_size_t length);

/*
 * Cleans (should_return), drops (flush) or locks pages and waits until that is done. data_return calls come meanwhile
 * to the other threads of the server loop: never call this from one that all of them wait for. When a single thread
 * serves the objects (their own port set), every data_return of the request has been served when this returns; of an object
 * that the kernel lets go of meanwhile, too.
 */
kern_return_t pager_lock_range(struct pager_object *object, vm_offset_t offset, vm_size_t length,
	memory_object_return_t should_return, boolean_t flush, vm_prot_t lock);

#endif
