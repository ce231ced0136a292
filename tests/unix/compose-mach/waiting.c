/* Threads that wait: for a message, for room in a queue, for a page. One of each task may. */
#include "compose.h"

enum { CROWDED = 24 };

static struct waiter {
	enum { NOTHING, RECEIVES, SERVES, SENDS, CALLS, TOUCHES } kind;
	mach_port_name_t name; /* of the receive right or set */
	struct port *port;     /* of the receive right, or with the full queue */
	struct sending sending;
	bool aborted;
} waiters[SPACES];

void waiting_forget(int space)
{
	waiters[space].kind = NOTHING;
	touch_forgotten(space);
}

void waiting_for_page(int space)
{
	waiters[space] = (struct waiter){.kind = TOUCHES};
}

bool is_served(const struct port *port)
{
	for (int s = 1; s < SPACES; s++)
		if (waiters[s].kind == SERVES && (waiters[s].port == port ||
			(port != NULL && port->receiver == s && port->set != MACH_PORT_NULL && port->set == waiters[s].name)))
			return true;
	return false;
}

bool space_waits(int space)
{
	return waiters[space].kind != NOTHING;
}

unsigned senders_waiting(const struct port *port)
{
	unsigned waiting = 0;

	for (int s = 1; s < SPACES; s++)
		waiting += waiters[s].kind == SENDS && waiters[s].port == port;
	return waiting;
}

/* Whether a message is there for who receives by the name. */
static bool has_message(int space, const struct name *n)
{
	if (n->type & MACH_PORT_TYPE_RECEIVE)
		return n->port->first != NULL;
	for (unsigned i = 0; i < NAMES; i++) {
		const struct name *member = &names[space][i];

		if (member->name != 0 && (member->type & MACH_PORT_TYPE_RECEIVE) && member->port->set == n->name &&
			member->port->first != NULL)
			return true;
	}
	return false;
}

/* What the waiter received by has gone, or become something else. */
static bool lost(int space, const struct waiter *w)
{
	const struct name *n = name_of(space, w->name);

	return n == NULL || (w->port != NULL ? !(n->type & MACH_PORT_TYPE_RECEIVE) || n->port != w->port
					     : n->type != MACH_PORT_TYPE_PORT_SET);
}

static bool must_come_back(int space)
{
	const struct waiter *w = &waiters[space];

	if (w->kind == NOTHING)
		return false;
	if (w->kind == CALLS)
		return call_is_over(space);
	if (w->kind == TOUCHES)
		return touch_is_over(space);
	if (w->aborted)
		return true;
	return w->kind == SENDS ? !port_full(w->port) : lost(space, w) || has_message(space, name_of(space, w->name));
}

static void has_received(int space)
{
	const struct waiter w = waiters[space];
	const mach_msg_return_t result = (mach_msg_return_t)desk_of(space, 1)->result;

	waiters[space].kind = NOTHING;
	say("  space %d comes back from its receive: %x", space, result);
	if (result == MACH_MSG_SUCCESS && w.kind == SERVES)
		answer_back(space, w.name);
	else if (result == MACH_MSG_SUCCESS)
		message_received(space, 1, w.name);
	else if (w.aborted)
		expect("an aborted receive", result, MACH_RCV_INTERRUPTED);
	else if (!lost(space, &w) || (result != MACH_RCV_PORT_CHANGED && result != MACH_RCV_PORT_DIED))
		wrong("space %d: a receive that waited came back with %x", space, result);
}

static void has_sent(int space)
{
	struct waiter *w = &waiters[space];
	const mach_msg_return_t result = (mach_msg_return_t)desk_of(space, 1)->result;

	w->kind = NOTHING;
	say("  space %d comes back from its send: %x", space, result);
	if (w->aborted && result == MACH_SEND_INTERRUPTED)
		return;
	expect("a send that waited", result, message_sent(space, &w->sending));
	/* What it has not used is the next one's. */
	if (w->port->alive)
		model_room_made(w->port, 1);
	model_settle();
}

/* The one that has come back, of those that must; 0: none must. */
static int next_back(void)
{
	for (unsigned naps = 0; naps < PATIENCE; naps++) {
		bool any = false;

		for (int s = 1; s < SPACES; s++) {
			if (!must_come_back(s))
				continue;
			any = true;
			if (__atomic_load_n(&desk_of(s, 1)->state, __ATOMIC_ACQUIRE) == DONE)
				return s;
		}
		if (!any)
			return 0;
		nap(naps < 100 ? 0 : 1);
	}
	for (int s = 1; s < SPACES; s++)
		if (must_come_back(s))
			wrong("space %d waits by %x and should not any more", s,
				waiters[s].kind == SENDS ? waiters[s].sending.right[0].name : waiters[s].name);
	return 0;
}

void waiting_settle(void)
{
	int s;

	while ((s = next_back()) != 0) {
		if (waiters[s].kind == RECEIVES || waiters[s].kind == SERVES) {
			has_received(s);
		} else if (waiters[s].kind == SENDS) {
			has_sent(s);
		} else if (waiters[s].kind == TOUCHES) {
			waiters[s].kind = NOTHING;
			touch_back(s);
		} else {
			waiters[s].kind = NOTHING;
			call_back(s);
		}
	}
	for (s = 1; s < SPACES; s++)
		if (waiters[s].kind != NOTHING && __atomic_load_n(&desk_of(s, 1)->state, __ATOMIC_ACQUIRE) == DONE)
			wrong("space %d came back with %llx and should wait", s,
				(unsigned long long)desk_of(s, 1)->result);
}

static void begin_receive(int s)
{
	const mach_port_name_t name = any_name_with(s, MACH_PORT_TYPE_RECEIVE | MACH_PORT_TYPE_PORT_SET);
	const struct name *n = name_of(s, name);

	if (n == NULL || !(n->type & (MACH_PORT_TYPE_RECEIVE | MACH_PORT_TYPE_PORT_SET)) || names_used(s) > CROWDED)
		return;
	say("space %d receives by %x and may wait", s, name);
	waiters[s] = (struct waiter){
		.kind = RECEIVES, .name = name, .port = n->type & MACH_PORT_TYPE_RECEIVE ? n->port : NULL};
	act_later(s, TRAP_MACH_MSG, (uintptr_t)&desk_of(s, 1)->message, MACH_RCV_MSG, (uint64_t)BUFFER << 32, name, 0,
		MACH_PORT_NULL);
}

static void begin_send(int s)
{
	struct sending sending;
	const struct name *n;

	message_build(s, 1, &sending);
	n = name_of(s, sending.right[0].name);
	if (n == NULL || !(n->type & MACH_PORT_TYPE_SEND_RECEIVE) || !port_full(n->port))
		return;
	/* Of two that are woken the first tells who asked that there is room, before the second has taken it: in which
	 * order they come is nobody's promise. */
	if (senders_waiting(n->port) != 0)
		return;
	say("space %d sends to %x and must wait", s, sending.right[0].name);
	waiters[s] = (struct waiter){.kind = SENDS, .port = n->port, .sending = sending};
	act_later(s, TRAP_MACH_MSG, (uintptr_t)&desk_of(s, 1)->message, MACH_SEND_MSG, sending.size, MACH_PORT_NULL, 0,
		MACH_PORT_NULL);
}

static void begin_answer(int s)
{
	const mach_port_name_t name = answer_begin(s);
	const struct name *n = name_of(s, name);

	if (name != MACH_PORT_NULL)
		waiters[s] = (struct waiter){.kind = SERVES, .name = name, .port = n != NULL ? n->port : NULL};
}

void waiting_operation(void)
{
	const int s = any_actor();

	if (s == 0)
		return;
	if (waiters[s].kind == NOTHING) {
		const unsigned which = pick(6);

		if (which == 0)
			begin_receive(s);
		else if (which >= 3)
			begin_answer(s);
		else if (which == 1 && call_begin(s))
			waiters[s] = (struct waiter){.kind = CALLS};
		else
			for (unsigned i = 0; i < 8 && waiters[s].kind == NOTHING; i++)
				begin_send(s);
	} else if (pick(6) == 0) {
		say("space %d is aborted", s);
		if (waiters[s].kind == CALLS) {
			call_abort(s);
			return;
		}
		if (waiters[s].kind == TOUCHES) {
			touch_abort(s);
			return;
		}
		waiters[s].aborted = true;
		act_abort(s);
	}
}
