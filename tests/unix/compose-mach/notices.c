/* Operations on receive rights and requests for notifications; tasks that begin and end. */
#include "compose.h"

enum { CROWDED = 36, QLIMIT_MOST = 5 };

void request_operation(void)
{
	static const mach_msg_id_t kinds[] = {
		MACH_NOTIFY_DEAD_NAME, MACH_NOTIFY_SEND_POSSIBLE, MACH_NOTIFY_NO_SENDERS, MACH_NOTIFY_PORT_DESTROYED};
	const int s = any_space();
	const mach_msg_id_t id = kinds[pick(4)];
	mach_port_name_t name = any_name_with(s, id == MACH_NOTIFY_NO_SENDERS || id == MACH_NOTIFY_PORT_DESTROYED
							 ? MACH_PORT_TYPE_RECEIVE
							 : MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_SEND_ONCE);
	mach_port_name_t told = pick(8) == 0 ? MACH_PORT_NULL : any_name_with(OWN, MACH_PORT_TYPE_RECEIVE);
	const uint32_t sync = pick(3);
	struct port *previous = NULL;
	mach_port_t got = MACH_PORT_NULL;
	struct right right;
	kern_return_t result, wanted;
	bool good;

	if (names_used(OWN) > CROWDED)
		return;
	say("request %d of %x, sync %u, to %x", id, name, sync, told);
	good = model_take(OWN, told, MACH_MSG_TYPE_MAKE_SEND_ONCE, NULL, &right) == KERN_SUCCESS;
	result = mach_port_request_notification(task_name(s), name, id, sync, told, MACH_MSG_TYPE_MAKE_SEND_ONCE, &got);
	if (!good) {
		expect("a request by what is not there", result, MACH_SEND_INVALID_RIGHT);
		return;
	}
	wanted = model_request(s, name, id, sync, right.port, &previous);
	expect("a request", result, wanted);
	if (result != KERN_SUCCESS) {
		model_release(right);
	} else {
		model_settle();
		right = (struct right){.port = previous, .as = MACH_MSG_TYPE_PORT_SEND_ONCE};
		if (!model_put(OWN, right, got))
			wrong("the previous request came as %x", got);
	}
	model_settle();
}

static kern_return_t change(int s, mach_port_name_t name, struct port *port, uint32_t value)
{
	const mach_port_t task = task_name(s);

	switch (pick(5)) {
	case 0:
		value %= QLIMIT_MOST;
		say("qlimit %x %u", name, value);
		if (port != NULL) {
			port->qlimit = value;
			if (value > port->count)
				model_room_made(port, value - port->count);
		}
		return mach_port_set_qlimit(task, name, value);
	case 1:
		say("mscount %x %u", name, value);
		if (port != NULL)
			port->mscount = value;
		return mach_port_set_mscount(task, name, value);
	case 2:
		say("seqno %x %u", name, value);
		if (port != NULL)
			port->seqno = value;
		return mach_port_set_seqno(task, name, value);
	case 3:
		say("payload %x %u", name, value);
		if (port != NULL) {
			port->payload = value;
			port->has_payload = true;
		}
		return mach_port_set_protected_payload(task, name, value);
	default:
		say("no payload %x", name);
		if (port != NULL)
			port->has_payload = false;
		return mach_port_clear_protected_payload(task, name);
	}
}

void receiver_operation(void)
{
	const int s = any_space();
	mach_port_name_t name = any_name_with(s, MACH_PORT_TYPE_RECEIVE), set;
	const struct name *n = name_of(s, name);
	const bool receives = n != NULL && (n->type & MACH_PORT_TYPE_RECEIVE);

	if (pick(2) == 0) {
		set = pick(3) == 0 ? MACH_PORT_NULL : any_name_with(s, MACH_PORT_TYPE_PORT_SET);
		say("move member %x %x", name, set);
		expect("move_member", mach_port_move_member(task_name(s), name, set), model_move_member(s, name, set));
		return;
	}
	expect("a receive right is changed", change(s, name, receives ? n->port : NULL, pick(100)),
		receives    ? KERN_SUCCESS
		: n == NULL ? KERN_INVALID_NAME
			    : KERN_INVALID_RIGHT);
	model_settle();
}

static void task_begins(int s)
{
	const int parent = any_space();
	struct name *n;

	say("task %d of %d", s, parent);
	memory_task_starts(s, parent);
	pagers_task_starts(s, parent);
	actor_start(s, parent);
	task_port[s] = model_new_port(-1);
	task_port[s]->kernel = true;
	n = name_add(OWN, task_name(s), MACH_PORT_TYPE_SEND, task_port[s]);
	n->pinned = true;
	task_port[s]->send = 1;
}

void task_ends(int s)
{
	const mach_port_name_t name = task_name(s);

	/* Threads end a little later than their task. When that tells somebody something, it is not to be told which comes first. */
	if (owes_right(s) && !space_waits(s))
		answer_now(s);
	say("task %d ends", s);
	waiting_forget(s);
	memory_task_ends(s);
	model_task_ends(s);
	debt_dropped(s);
	(void)model_destroy(OWN, name);
	actor_end(s);
	pagers_task_ends(s);
}

/* A thread that never runs: it ends by itself, or with its task. */
void thread_operation(void)
{
	const int s = any_actor();
	mach_port_t thread = MACH_PORT_NULL;

	if (s == 0)
		return;
	say("a thread in task %d", s);
	expect("a thread is made", thread_create(task_name(s), &thread), KERN_SUCCESS);
	if (pick(2) == 0)
		expect("it ends", thread_terminate(thread), KERN_SUCCESS);
	expect("its name goes", mach_port_deallocate(mach_task_self(), thread), KERN_SUCCESS);
}

void task_operation(void)
{
	const int s = 1 + (int)pick(SPACES - 1);

	if (task_port[s] == NULL && names_used(OWN) < NAMES - 8)
		task_begins(s);
	else if (task_port[s] != NULL && pick(8) == 0 && !(owes_right(s) && space_waits(s)))
		task_ends(s);
}
