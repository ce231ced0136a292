/* Ports: life, death, and the counts of rights. */
#include <ipc/ipc_internal.h>
#include <kern/piece.h>

/* So much of what waits at a dead port goes in one hold of its lock; about what one takes (kern/piece.h). */
#define DEATH_PIECE 16u
#define DEATH_COST  400

/*
 * A receive right goes into no queue that lies so deep in others: the look for a circle ends there, with interrupts off
 * as it is.
 */
#define TRANSIT_STEPS_MAX 2000u

static struct kcache port_cache = KCACHE(sizeof(struct ipc_port));
static struct kcache pset_cache = KCACHE(sizeof(struct ipc_pset));
/* Guards the destinations of all receive rights in transit, so that a circle is seen whole. */
static struct lock transit_lock = LOCK_INIT(LOCK_RANK_TRANSIT);

static void object_init(struct ipc_object *object, struct account *account, enum lock_rank rank)
{
	lock_init(&object->lock, rank);
	ref_init(&object->refs, 1);
	object->active = true;
	list_init(&object->receivers);
	list_init(&object->free_link);
	object->account = account;
}

struct ipc_port *ipc_port_alloc(struct account *account)
{
	struct ipc_port *port = kcache_alloc(&port_cache, account);

	if (port == NULL)
		return NULL;
	object_init(&port->object, account, LOCK_RANK_PORT);
	list_init(&port->queue);
	list_init(&port->senders);
	list_init(&port->set_link);
	list_init(&port->ready_link);
	list_init(&port->requests);
	port->qlimit = MACH_PORT_QLIMIT_DEFAULT;
	return port;
}

struct ipc_pset *ipc_pset_alloc(struct account *account)
{
	struct ipc_pset *set = kcache_alloc(&pset_cache, account);

	if (set == NULL)
		return NULL;
	object_init(&set->object, account, LOCK_RANK_PORT_SET);
	set->object.is_set = true;
	list_init(&set->members);
	list_init(&set->ready);
	return set;
}

void ipc_object_free(struct ipc_object *object)
{
	assert(!object->active && !ipc_mqueue_awaited(object));
	kcache_free(object->is_set ? &pset_cache : &port_cache, object->account, object);
}

void ipc_port_release(struct ipc_port *port)
{
	if (port != NULL) {
		ipc_object_release(&port->object);
		deferred_run();
	}
}

/* A look without the lock: the answer may be old when it arrives, as with the lock. */
bool ipc_port_active(struct ipc_port *port)
{
	return port != NULL && __atomic_load_n(&port->object.active, __ATOMIC_RELAXED);
}

void ipc_port_set_label(struct ipc_port *port, bool has_payload, uint64_t payload)
{
	port->has_payload = has_payload;
	port->label = has_payload ? payload : port->receiver_name;
}

/* Counts rights that are made, by whatever means. */
static inline struct ipc_port *add_right(struct ipc_port *port, uint32_t sends, uint32_t made, uint32_t send_onces)
{
	if (port == NULL)
		return NULL;
	lock_acquire(&port->object.lock);
	port->srights += sends;
	port->mscount += made;
	port->sorights += send_onces;
	ipc_object_reference(&port->object);
	lock_release(&port->object.lock);
	return port;
}

struct ipc_port *ipc_port_make_send(struct ipc_port *port)
{
	return add_right(port, 1, 1, 0);
}

struct ipc_port *ipc_port_copy_send(struct ipc_port *port)
{
	return add_right(port, 1, 0, 0);
}

struct ipc_port *ipc_port_make_send_once(struct ipc_port *port)
{
	return add_right(port, 0, 0, 1);
}

void ipc_port_release_send(struct ipc_port *port)
{
	struct ipc_notice notice = {0};
	void (*no_senders)(struct ipc_port *, void *) = NULL;
	void *kobject = NULL;
	mach_port_mscount_t mscount;

	if (port == NULL)
		return;
	lock_acquire(&port->object.lock);
	assert(port->srights != 0);
	mscount = port->mscount;
	if (--port->srights <= port->few_senders && port->object.active) {
		if (port->srights == 0)
			notice = ipc_notice_take(&port->ns_notice);
		no_senders = port->no_senders;
		kobject = port->kobject;
	}
	lock_release(&port->object.lock);
	ipc_notify_no_senders(notice, mscount);
	if (no_senders != NULL)
		no_senders(port, kobject);
	ipc_object_release(&port->object);
	deferred_run();
}

void ipc_port_release_send_once(struct ipc_port *port)
{
	if (port == NULL)
		return;
	if (!ipc_port_active(port)) {
		ipc_port_drop_send_once(port);
	} else if (ipc_port_is_kernel(port)) {
		ipc_kobject_send_once_died(port);
		ipc_port_drop_send_once(port);
	} else {
		ipc_notify_send_once(port); /* by the right itself */
	}
	deferred_run();
}

void ipc_port_release_right(struct ipc_port *port, mach_msg_type_name_t disposition)
{
	if (port == NULL)
		return;
	if (disposition == MACH_MSG_TYPE_PORT_SEND) {
		ipc_port_release_send(port);
	} else if (disposition == MACH_MSG_TYPE_PORT_SEND_ONCE) {
		ipc_port_release_send_once(port);
	} else {
		assert(disposition == MACH_MSG_TYPE_PORT_RECEIVE);
		ipc_port_destroy(port);
	}
}

bool ipc_port_in_transit(struct ipc_port *port, struct ipc_port *destination)
{
	struct ipc_port *step;
	unsigned steps = 0;

	lock_acquire(&transit_lock);
	for (step = destination; step != NULL && step != port && steps < TRANSIT_STEPS_MAX; step = step->destination)
		steps++;
	if (step == NULL) {
		port->destination = destination;
		ipc_object_reference(&destination->object);
	}
	lock_release(&transit_lock);
	return step == NULL;
}

void ipc_port_settle(struct ipc_port *port)
{
	struct ipc_port *destination;

	/* Only who has the receive right sends it off, and he is here: without the lock this is not old. */
	if (port->destination == NULL)
		return;
	lock_acquire(&transit_lock);
	destination = port->destination;
	port->destination = NULL;
	lock_release(&transit_lock);
	ipc_object_release(&destination->object);
}

void ipc_port_clear_receiver(struct ipc_port *port)
{
	if (port->set != NULL)
		ipc_pset_remove(port);
	port->receiver = NULL;
	port->receiver_name = MACH_PORT_NULL;
	port->mscount = 0;
	port->seqno = 0;
	ipc_port_set_label(port, false, 0);
	if (ipc_mqueue_awaited(&port->object))
		ipc_mqueue_wake_all(&port->object);
}

void ipc_request_fire(struct ipc_request *request)
{
	list_remove(&request->link);
	request->fired = (request->dead.right != NULL) + (request->possible.right != NULL);
	ipc_notify_name(ipc_notice_take(&request->dead), mach_notify_dead_name, request->name);
	ipc_notify_name(ipc_notice_take(&request->possible), mach_notify_dead_name, request->name);
}

/* One of those who wait at a dead port (locked): a queued caller or message, a blocked sender, a request. False: none
 * is left. */
static bool end_one(struct ipc_port *port)
{
	struct list *link;

	if (!list_empty(&port->queue)) {
		struct ipc_element *element = list_first(&port->queue, struct ipc_element, link);

		if (element->is_caller) {
			ipc_call_end_queued(
				port, container_of(element, struct thread, ipc.element), MACH_SEND_INVALID_DEST);
		} else {
			list_remove(&element->link);
			port->msgcount--;
			ipc_defer_destroy(container_of(element, struct ipc_kmsg, element));
		}
	} else if ((link = list_pop_head(&port->senders)) != NULL) {
		(void)thread_go(container_of(link, struct thread, wait_link), WAIT_AWAKENED);
	} else if (!list_empty(&port->requests)) {
		ipc_request_fire(list_first(&port->requests, struct ipc_request, link));
	} else {
		return false;
	}
	return true;
}

/*
 * Death: under the port's lock it becomes inactive, loses receivers (they find it dead), blocked senders (they find a
 * dead name), queued callers and messages. A queued caller that aborts meanwhile waits for the lock and then finds that
 * its call has ended.
 */
void ipc_port_destroy(struct ipc_port *port)
{
	struct ipc_notice notice;
	struct ipc_port *unsent;
	void (*died)(struct ipc_port *port);
	uint64_t payload;
	bool kept;

	ipc_port_settle(port);
	lock_acquire(&port->object.lock);
	assert(port->object.active);
	payload = port->label;
	kept = port->has_payload && port->kept;
	ipc_port_clear_receiver(port);
	notice = ipc_notice_take(&port->pd_notice);
	if (notice.right != NULL) {
		if (kept)
			ipc_port_set_label(port, true, payload);
		lock_release(&port->object.lock);
		ipc_notify_port_destroyed(notice, port);
		deferred_run();
		return;
	}
	port->object.active = false;
	port->kobject = NULL;
	/*
	 * Nothing comes to a dead port, so what waits there can be ended in pieces. Meanwhile a caller or sender may
	 * take itself off, and an entry whose port is found dead fires its own request (ipc_right_died).
	 */
	for (unsigned ended = 1; end_one(port); ended++) {
		if (ended % DEATH_PIECE == 0) {
			lock_release(&port->object.lock);
			deferred_run();
			piece_spend(DEATH_PIECE * DEATH_COST);
			lock_acquire(&port->object.lock);
		}
	}
	unsent = ipc_notice_cancel(ipc_notice_take(&port->ns_notice));
	died = port->died;
	lock_release(&port->object.lock);
	ipc_port_release_send_once(unsent);
	if (died != NULL)
		died(port);
	/* No lock is held, so what most often is the last reference needs no detour by the deferred work. */
	if (ref_drop(&port->object.refs))
		ipc_object_free(&port->object);
	deferred_run();
}

bool ipc_port_watch_death(struct ipc_port *port, void (*fn)(struct ipc_port *port))
{
	bool active;

	lock_acquire(&port->object.lock);
	port->died = fn;
	active = port->object.active;
	lock_release(&port->object.lock);
	return active;
}

struct ipc_port *ipc_kernel_port_create(enum ipc_kobject_type type, void *object, struct account *account)
{
	struct ipc_port *port = ipc_port_alloc(account);

	if (port != NULL) {
		port->object.type = type;
		port->kobject = object;
	}
	return port;
}

struct account *ipc_port_account(const struct ipc_port *port)
{
	return port->object.account;
}

void *ipc_kernel_port_lookup(struct ipc_port *port, enum ipc_kobject_type type, void *(*reference)(void *object))
{
	return ipc_port_kobject(port, type, reference);
}

void ipc_kernel_port_set_no_senders(struct ipc_port *port, void (*fn)(struct ipc_port *port, void *object))
{
	lock_acquire(&port->object.lock);
	port->no_senders = fn;
	lock_release(&port->object.lock);
}

bool ipc_kernel_port_held_outside(struct ipc_port *port, struct ipc_space *space)
{
	struct ipc_entry *entry;
	mach_port_name_t name;
	bool outside;

	lock_acquire(&space->lock);
	entry = space->active ? ipc_entry_find(space, &port->object, &name) : NULL;
	lock_acquire(&port->object.lock);
	outside = port->srights > (entry != NULL);
	lock_release(&port->object.lock);
	lock_release(&space->lock);
	return outside;
}
