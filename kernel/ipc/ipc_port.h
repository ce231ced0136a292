/* Ports and port sets, inside ipc/. */
#ifndef IPC_IPC_PORT_H
#define IPC_IPC_PORT_H

#include <ipc/ipc.h>
#include <kern/account.h>
#include <kern/processor.h>
#include <kern/refcount.h>
#include <kern/thread_ipc.h>

/* One for the receivers of each processor, or of every fourth. */
#define IPC_SLOTS 4u

/* What a receive name stands for: the common head of ports and sets, and all that the receive path needs. */
struct ipc_object {
	struct lock lock;
	struct refcount refs;
	bool active;
	bool is_set;
	uint8_t type;          /* of a port: enum ipc_kobject_type */
	struct thread *slot[IPC_SLOTS]; /* threads that wait; then there is nothing to receive. See ipc_mqueue.c */
	struct list receivers; /* other threads that wait to receive here (wait_link) */
	struct list free_link; /* kern/deferred.h */
	struct account *account; /* pays for it, for good */
};

/*
 * A notification asked for: the send-once right to send it to, and its message, made and charged with the request so
 * that it is not lost for want of memory. Both null: none.
 */
struct ipc_notice {
	struct ipc_port *right;
	struct ipc_kmsg *message;
};

/*
 * A port. Where its receive right is:
 *
 *   in a space   receiver and receiver_name set
 *   the kernel's receiver null, no destination; object.type says what for
 *   in transit   receiver null; destination: the port that the message carrying it was sent to (reference)
 *   dead         !object.active; for ever. The structure stays while references do
 *
 * Every right is a reference to the structure: the receive right one, each send right (per name or message, not per
 * user reference) one, each send-once right one. A waiting receiver, a queued caller and a notification's target have
 * their own.
 *
 * Invariant, on which order rests: messages go to the tail of the queue, receivers take from its head, also when a
 * receiver was waiting; only
 * when the queue is empty may words or a message be handed over directly. A receiver that is woken
 * and does not take a message wakes the next (ipc_mqueue_pass_on), so no message lies in a queue while all sleep.
 */
struct ipc_port {
	struct ipc_object object;
	struct list queue;    /* struct ipc_element */
	struct ipc_pset *set; /* reference, or null */
	uint64_t label;       /* r14 of a delivered message: payload, or the receiver's name */
	uint32_t seqno;       /* of the next message received */
	bool has_payload;
	bool kept; /* pd_notice is a keeper's: the payload stays */
	mach_port_name_t receiver_name;
	struct ipc_space *receiver; /* not a reference: the space releases its ports before it goes */
	struct ipc_port *destination;

	uint32_t srights, sorights, mscount;
	uint32_t owed; /* of the sorights: that have died, and no message could be made to say so (ipc_notify.c) */
	uint32_t msgcount, qlimit; /* messages queued; callers do not count */
	struct list senders;       /* threads blocked by the queue limit (wait_link) */
	struct list set_link;      /* set->members, under the set's lock */
	struct list ready_link;    /* set->ready, under the set's lock; linked when the queue is not empty */

	void *kobject;
	void (*no_senders)(struct ipc_port *port, void *object); /* kernel port */
	uint32_t few_senders; /* so many left are none: 1 where its task's space may have one that gives nobody anything */
	struct ipc_notice ns_notice, pd_notice;                  /* no-senders, port-destroyed */
	struct list requests;                                    /* struct ipc_request of the entries that name it */
	void (*died)(struct ipc_port *port);                     /* ipc_port_watch_death */
};

/* A set; its lock is taken inside that of a member. */
struct ipc_pset {
	struct ipc_object object;
	struct list ready; /* members with a message (ready_link), served in turn */
	mach_port_name_t name;
	struct list members; /* ports (set_link) */
};

/* What there is to receive: a port's queue or a set's ready members. Object locked. */
static inline const struct list *ipc_object_pending(const struct ipc_object *object)
{
	_Static_assert(offsetof(struct ipc_port, queue) == sizeof(struct ipc_object) &&
			       offsetof(struct ipc_pset, ready) == sizeof(struct ipc_object),
		"the list stands behind the object in both");
	return (const struct list *)(object + 1);
}

/* A dead-name or send-possible request: the entry's, linked on the port while that lives. Notices under its lock. */
struct ipc_request {
	struct list link;
	struct ipc_port *port; /* the entry's, borrowed from it, or from who took its right */
	mach_port_name_t name;
	uint32_t fired; /* dead-name notifications sent: so many references the dead name gets more */
	struct ipc_notice dead, possible;
};

/* For each slot that is in use. */
#define ipc_for_each_slot(slot, object)                                                                                \
	for ((slot) = (object)->slot;                                                                                  \
		(slot) == (object)->slot || (processors_online > 1 && (slot) < (object)->slot + IPC_SLOTS); (slot)++)

/* Of those who wait on this processor. Object locked. */
static inline struct thread **ipc_own_slot(struct ipc_object *object)
{
	return &object->slot[CURRENT_PROCESSOR->id % IPC_SLOTS];
}

/* Relaxed: a death that is not seen yet comes after the look. */
static inline bool ipc_object_active(const struct ipc_object *object)
{
	return __atomic_load_n(&object->active, __ATOMIC_RELAXED);
}

static inline struct ipc_port *ipc_object_port(struct ipc_object *object)
{
	return (struct ipc_port *)object;
}

static inline struct ipc_pset *ipc_object_set(struct ipc_object *object)
{
	return (struct ipc_pset *)object;
}

static inline bool ipc_port_is_kernel(const struct ipc_port *port)
{
	return port->object.type != IKOT_NONE;
}

/* ipc_port.c */
/* A port with its receive right, in no space, on the account. Null: no memory. */
struct ipc_port *ipc_port_alloc(struct account *account);
/* Without references, and no locks held. */
void ipc_object_free(struct ipc_object *object);
static inline void ipc_object_reference(struct ipc_object *object)
{
	ref_take(&object->refs);
}

/* The memory goes later: its own lock may be held. */
static inline void ipc_object_release(struct ipc_object *object)
{
	if (object != NULL && ref_drop(&object->refs))
		defer(DEFERRED_FREE, &object->free_link);
}

/* A send right that is not the last but one: counted only, so there is nobody to tell. False: nothing done. */
static inline bool ipc_port_drop_send(struct ipc_port *port)
{
	lock_acquire(&port->object.lock);
	if (__builtin_expect(port->srights <= port->few_senders + 1, 0)) {
		lock_release(&port->object.lock);
		return false;
	}
	port->srights--;
	lock_release(&port->object.lock);
	ipc_object_release(&port->object);
	return true;
}

/* ipc_kernel_port_lookup, where it is worth the code. */
static inline void *ipc_port_kobject(
	struct ipc_port *port, enum ipc_kobject_type type, void *(*reference)(void *object))
{
	void *result = NULL;

	if (port == NULL)
		return NULL;
	lock_acquire(&port->object.lock);
	if (port->object.active && port->object.type == type)
		result = reference(port->kobject);
	lock_release(&port->object.lock);
	return result;
}

/* The request of an entry for a port that has died (locked) is answered. */
void ipc_request_fire(struct ipc_request *request);
/* The receive right leaves its space (port locked): receivers wake and find it changed, it leaves its set. */
void ipc_port_clear_receiver(struct ipc_port *port);
/* Port locked: what r14 says from now on. */
void ipc_port_set_label(struct ipc_port *port, bool has_payload, uint64_t payload);
/* Consumes a right by its received disposition: PORT_RECEIVE, PORT_SEND, PORT_SEND_ONCE. Null passes. No locks held. */
void ipc_port_release_right(struct ipc_port *port, mach_msg_type_name_t disposition);
/* A send-once right is used up by the message that it sent. */
static inline void ipc_port_drop_send_once(struct ipc_port *port)
{
	lock_acquire(&port->object.lock);
	debug_assert(port->sorights != 0);
	port->sorights--;
	lock_release(&port->object.lock);
	ipc_object_release(&port->object);
}

/*
 * Port's receive right goes into a message to `destination`; false if that would close a circle (it lay in itself), or
 * if that port lies too deep in the queues of others.
 */
bool ipc_port_in_transit(struct ipc_port *port, struct ipc_port *destination);
/* It has arrived, or dies. Spaces may be locked. */
void ipc_port_settle(struct ipc_port *port);

/* ipc_pset.c */
struct ipc_pset *ipc_pset_alloc(struct account *account);
/* Port locked, in no set. */
void ipc_pset_add(struct ipc_pset *set, struct ipc_port *port);
/* Port locked; its set loses it, if it has one. */
void ipc_pset_remove(struct ipc_port *port);
/* Consumes the space's reference; members are freed, receivers get MACH_RCV_PORT_DIED. No locks held. */
void ipc_pset_destroy(struct ipc_pset *set);

#endif
