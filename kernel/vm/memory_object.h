/* The kernel's side of pagers: objects whose pages come from a port. */
#ifndef VM_MEMORY_OBJECT_H
#define VM_MEMORY_OBJECT_H

#include <vm/vm_object.h>

/*
 * States, under the object's lock:
 *
 *   NEW    memory_object_init has been sent; faults wait (event: this structure) for memory_object_ready.
 *   READY  requests are sent.
 *   DEAD   the port died or the pager destroyed the object: what is resident may be used, all else fails.
 *
 * The object is in the table of ports, which has one reference to it, until nobody else has one and its pager does not
 * let the kernel cache it, or the cache is full. Then it is taken out (gone, under the table's lock), its dirty pages
 * are returned, the pager is told (memory_object_terminate), and the structure goes with the last reference.
 */
enum memory_object_state { MEMORY_OBJECT_NEW, MEMORY_OBJECT_READY, MEMORY_OBJECT_DEAD };

struct memory_object {
	vm_object_t object;
	struct ipc_port *port;    /* send right */
	struct ipc_port *control; /* kernel port */
	enum memory_object_state state;
	bool may_cache;
	uint64_t id;              /* by age, from 1; for the console, too */
	uint64_t ready_deadline;  /* ns since boot */
	vm_offset_t next_offset;  /* where the last request ended */
	uint32_t window;          /* pages of the last request */
	uint32_t returning;       /* atomic: messages of returned pages that the pager has not freed yet; an event */
	uint64_t return_deadline; /* by when the next of them must be freed */
	kern_return_t
		refused; /* why returned pages could not be written, until vm_msync has said so; else KERN_SUCCESS */
	bool gone;
	vm_object_t lower; /* reference, or null; for good: what forwarded ranges show (memory_object_forward.c) */
	struct memory_forward *forward; /* those ranges in order, or null */
	uint32_t forwards;
	struct memory_object *hash_next;
	struct list cache_link; /* unused and cached */
};

#define PAGER_DEADLINE_NS    30000000000ull
#define PAGER_ERROR_NS       1000000000ull /* for how long an error is not asked about again */
#define PAGER_CLUSTER        64            /* pages of a request at most */
#define PAGER_RETURN_CLUSTER 32            /* pages of a data_return at most */

/* The object of a pager's port (a send right, borrowed), with a reference; made and initialised at first use. */
kern_return_t memory_object_enter(struct ipc_port *port, vm_object_t *out);
/* For lookups of ports that stand for objects (ipc/ipc.h). */
void *memory_object_referenced(void *object);
/* Drops a reference to a pager's object; true when it was the last one and the structure must be freed. No object
 * locked. */
bool memory_object_drop(vm_object_t object);
/* Takes an object that nobody uses out of the cache, the oldest first; false when there is none. No locks held. */
bool memory_object_uncache_one(void);

/*
 * A message to a pager that waits until locks are released. Filled by the fault, sent by memory_object_send, which
 * drops the reference; object null: nothing to send.
 */
struct memory_object_message {
	vm_object_t object;
	vm_offset_t offset;
	vm_size_t length;
	vm_prot_t access;
	bool unlock; /* data_unlock, else data_request */
};
void memory_object_send(struct memory_object_message *message);

/* The port has died, perhaps of an object: no locks held. */
void memory_object_died(struct ipc_port *port);

/*
 * Returns the pages of a range to the pager (dirty and precious ones, or all, or none), flush: and frees them. Object
 * locked, unlocked while messages are sent. KERN_RESOURCE_SHORTAGE when memory for a message was missing: the rest of
 * the pages stay as they are.
 */
kern_return_t memory_object_clean(
	vm_object_t object, vm_offset_t start, vm_offset_t end, memory_object_return_t what, bool flush);

/* The pages of one message to an object's pager have been freed; drops the message's reference to that. */
void memory_object_returned(vm_object_t message);
/* Whether pagers have pages that they will free soon: some were returned to them, and one did free some of late. */
bool memory_object_returns_pending(void);
/*
 * Waits until the pager has freed all pages returned to it: KERN_RESTART (the current thread has asserted a wait),
 * KERN_TIMEDOUT when none was freed in time. No locks held.
 */
kern_return_t memory_object_wait_returned(vm_object_t object);

/* A range of an object that shows what its lower object has from `offset` on; no page of its own is there. */
struct memory_forward {
	vm_offset_t start, end, offset;
};
#define FORWARD_DEPTH 8 /* objects that a fault goes down by them, at most */
const struct memory_forward *memory_object_look_forward(const struct memory_object *pager, vm_offset_t offset);
static inline const struct memory_forward *memory_object_find_forward(const struct memory_object *pager, vm_offset_t offset)
{
	return __builtin_expect(pager->forwards == 0, 1) ? NULL : memory_object_look_forward(pager, offset);
}
/* Its pager is asked again for the range; what was mapped by way of it is not any more. Object locked. */
void memory_object_end_forward(vm_object_t object, vm_offset_t start, vm_offset_t end);
/* Of an object that is about to be freed. */
void memory_object_free_forwards(vm_object_t object);

/* The page will not come: waiting faults get the error. Object locked. */
void memory_object_page_error(struct vm_page *page, kern_return_t error);

#endif
