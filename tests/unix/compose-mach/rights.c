/* Operations on names and rights, and the comparison of every name with the model. */
#include "compose.h"

/* Names that are chosen here lie above those that the kernel chooses, mostly. */
enum { CHOSEN_FIRST = 100, CHOSEN = 60, CROWDED = 36, NO_NAME = 0x7ffe03 };

int any_space(void)
{
	int s;

	do
		s = (int)pick(SPACES);
	while (task_port[s] == NULL);
	return s;
}

int any_actor(void)
{
	for (unsigned tries = 0; tries < 20; tries++) {
		int s = any_space();

		if (s != OWN)
			return s;
	}
	return 0;
}

mach_port_name_t any_name(int space)
{
	const struct name *n;

	for (unsigned tries = 0; tries < 30; tries++) {
		n = &names[space][pick(NAMES)];
		if (n->name != 0 && !n->pinned)
			return n->name;
	}
	return NO_NAME;
}

mach_port_name_t any_name_with(int space, mach_port_type_t types)
{
	const unsigned first = pick(NAMES), end = pick(20) != 0 ? NAMES : 0;

	for (unsigned i = 0; i < end; i++) {
		const struct name *n = &names[space][(first + i) % NAMES];

		if (n->name != 0 && !n->pinned && (n->type & types))
			return n->name;
	}
	return any_name(space);
}

static mach_port_name_t chosen_name(void)
{
	return (CHOSEN_FIRST + pick(CHOSEN)) << 8 | pick(4);
}

/* The index is in use, with whatever generation. */
static bool is_taken(int space, mach_port_name_t name)
{
	for (unsigned i = 0; i < NAMES; i++)
		if (names[space][i].name != 0 && names[space][i].name >> 8 == name >> 8)
			return true;
	return is_infrastructure(space, name);
}

static void op_allocate(int s)
{
	static const mach_port_right_t kinds[] = {MACH_PORT_RIGHT_RECEIVE, MACH_PORT_RIGHT_RECEIVE,
		MACH_PORT_RIGHT_RECEIVE, MACH_PORT_RIGHT_PORT_SET, MACH_PORT_RIGHT_DEAD_NAME};
	const mach_port_right_t right = kinds[pick(5)];
	mach_port_name_t name = chosen_name();
	kern_return_t wanted = KERN_SUCCESS;

	if (names_used(s) > CROWDED)
		return;
	if (pick(4) == 0) {
		wanted = is_taken(s, name) ? KERN_NAME_EXISTS : KERN_SUCCESS;
		expect("allocate_name", mach_port_allocate_name(task_name(s), right, name), wanted);
	} else {
		expect("allocate", mach_port_allocate(task_name(s), right, &name), KERN_SUCCESS);
		if (is_taken(s, name))
			wrong("space %d: name %x was allocated twice", s, name);
	}
	say("allocate %d %x", (int)right, name);
	if (wanted == KERN_SUCCESS)
		name_add(s, name, MACH_PORT_TYPE(right), right == MACH_PORT_RIGHT_RECEIVE ? model_new_port(s) : NULL);
}

static void op_deallocate(int s)
{
	mach_port_name_t name = any_name(s);
	const struct name *n = name_of(s, name);
	mach_port_right_t right = MACH_PORT_RIGHT_SEND;

	if (n != NULL && n->type == MACH_PORT_TYPE_SEND_ONCE)
		right = MACH_PORT_RIGHT_SEND_ONCE;
	else if (n != NULL && n->type == MACH_PORT_TYPE_DEAD_NAME)
		right = MACH_PORT_RIGHT_DEAD_NAME;
	say("deallocate %x", name);
	expect("deallocate", mach_port_deallocate(task_name(s), name), model_delta(s, name, right, -1));
}

static void op_mod_refs(int s)
{
	mach_port_name_t name = any_name(s);
	mach_port_right_t right = (mach_port_right_t)pick(6);
	int delta = (int)pick(5) - 2;

	if (right == MACH_PORT_RIGHT_RECEIVE && pick(2) == 0)
		return; /* else ports live too short */
	say("mod_refs %x %d %+d", name, (int)right, delta);
	expect("mod_refs", mach_port_mod_refs(task_name(s), name, right, delta), model_delta(s, name, right, delta));
}

static void op_destroy(int s)
{
	mach_port_name_t name = any_name(s);

	if (pick(3) != 0 && names_used(s) <= CROWDED)
		return;
	say("destroy %x", name);
	expect("destroy", mach_port_destroy(task_name(s), name), model_destroy(s, name));
}

static void op_rename(int s)
{
	mach_port_name_t from = any_name(s), to = chosen_name();

	if (space_waits(s)) /* who waits by the name would find it gone: when, is not to be told */
		return;
	say("rename %x %x", from, to);
	expect("rename", mach_port_rename(task_name(s), from, to), model_rename(s, from, to, is_taken(s, to)));
}

mach_msg_type_name_t any_disposition(void)
{
	static const mach_msg_type_name_t dispositions[] = {MACH_MSG_TYPE_MOVE_RECEIVE, MACH_MSG_TYPE_MOVE_SEND,
		MACH_MSG_TYPE_MOVE_SEND, MACH_MSG_TYPE_MOVE_SEND_ONCE, MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_COPY_SEND,
		MACH_MSG_TYPE_MAKE_SEND, MACH_MSG_TYPE_MAKE_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE};

	return dispositions[pick(sizeof dispositions / sizeof *dispositions)];
}

mach_port_name_t name_for_disposition(int space, mach_msg_type_name_t disposition)
{
	switch (disposition) {
	case MACH_MSG_TYPE_MOVE_SEND_ONCE:
		return any_name_with(space, MACH_PORT_TYPE_SEND_ONCE);
	case MACH_MSG_TYPE_MOVE_SEND:
	case MACH_MSG_TYPE_COPY_SEND:
		return any_name_with(space, MACH_PORT_TYPE_SEND);
	default:
		return any_name_with(space, MACH_PORT_TYPE_RECEIVE);
	}
}

/* Mostly the space's own name of the port that this program knows by the name, or a new one. */
static mach_port_name_t name_that_may_take(int space, mach_port_name_t name)
{
	const struct name *n = name_of(OWN, name);

	for (unsigned i = 0; i < NAMES && n != NULL && n->port != NULL && pick(100) != 0; i++)
		if (names[space][i].name != 0 && names[space][i].port == n->port)
			return names[space][i].name;
	return pick(10) == 0 ? any_name(space) : chosen_name();
}

/* From this program's space into another, or its own. */
static void op_insert(int s)
{
	mach_msg_type_name_t disposition = any_disposition();
	mach_port_name_t name = name_for_disposition(OWN, disposition), wanted = name_that_may_take(s, name);
	kern_return_t result;
	struct right right;
	bool good;

	if (names_used(s) > CROWDED)
		return;
	good = model_take(OWN, name, disposition, NULL, &right) == KERN_SUCCESS;
	say("insert %x by %u as %x", name, disposition, wanted);
	result = mach_port_insert_right(task_name(s), wanted, name, disposition);
	if (!good) {
		expect("insert of what is not there", result, MACH_SEND_INVALID_RIGHT);
		return;
	}
	model_settle();
	expect("insert", result, model_insert(s, right, wanted, is_taken(s, wanted)));
	if (result != KERN_SUCCESS)
		model_release(right);
	model_settle();
}

/* A right to a task. */
static void op_give_task(int s)
{
	const int of = any_actor();
	mach_port_name_t wanted = chosen_name();
	struct right right;

	if (of == 0 || s == OWN || names_used(s) > CROWDED)
		return;
	say("give the right to task %d as %x", of, wanted);
	right = (struct right){.port = task_port[of], .as = MACH_MSG_TYPE_PORT_SEND};
	right.port->send++;
	if (model_insert(s, right, wanted, is_taken(s, wanted)) == KERN_SUCCESS) {
		expect("a task's right is given",
			mach_port_insert_right(task_name(s), wanted, task_name(of), MACH_MSG_TYPE_COPY_SEND),
			KERN_SUCCESS);
	} else {
		right.port->send--;
	}
}

/* From another space, or its own, into this program's. */
static void op_extract(int s)
{
	mach_msg_type_name_t disposition = any_disposition(), type = 0;
	mach_port_name_t name = name_for_disposition(s, disposition);
	mach_port_t got = MACH_PORT_NULL;
	kern_return_t result, wanted;
	struct right right;

	if (names_used(OWN) > CROWDED)
		return;
	say("extract %x by %u", name, disposition);
	wanted = model_take(s, name, disposition, NULL, &right);
	if (wanted == KERN_SUCCESS && right.dead)
		wanted = KERN_INVALID_RIGHT;
	result = mach_port_extract_right(task_name(s), name, disposition, &got, &type);
	expect("extract", result, wanted);
	model_settle();
	if (result != KERN_SUCCESS)
		return;
	expect("what was extracted", type, right.as);
	if (!model_put(OWN, right, got))
		wrong("extract: came as %x", got);
	model_settle();
}

/* The ports that a task keeps. */
static void op_special(int s)
{
	const unsigned which = pick(SPECIALS);
	const int special = (int)which - TASK_PORT_REGISTER_MAX + TASK_EXCEPTION_PORT;
	mach_port_name_t name = any_name_with(OWN, MACH_PORT_TYPE_SEND);
	mach_msg_type_name_t type;
	mach_port_t got = MACH_PORT_NULL;
	struct right right;
	struct port *old;
	kern_return_t result;

	if (s == OWN || names_used(OWN) > CROWDED)
		return;
	if (pick(2) == 0) {
		say("look up special %u", which);
		expect("a task's port",
			which < TASK_PORT_REGISTER_MAX ? portolan_mach_ports_lookup(task_name(s), (int)which, &got, &type)
						       : task_get_special_port(task_name(s), special, &got),
			KERN_SUCCESS);
		right = (struct right){.port = specials[s][which], .as = MACH_MSG_TYPE_PORT_SEND};
		if (right.port != NULL)
			right.port->send++;
		if (!model_put(OWN, right, got))
			wrong("special port %u came as %x", which, got);
		return;
	}
	say("set special %u %x", which, name);
	if (model_take(OWN, name, MACH_MSG_TYPE_COPY_SEND, NULL, &right) != KERN_SUCCESS)
		return;
	result = which < TASK_PORT_REGISTER_MAX
			 ? portolan_mach_ports_register(task_name(s), (int)which, name, MACH_MSG_TYPE_COPY_SEND)
			 : task_set_special_port(task_name(s), special, name);
	if (right.dead) {
		expect("a task's port is set to a dead name", result, KERN_INVALID_CAPABILITY);
		return;
	}
	expect("a task's port is set", result, KERN_SUCCESS);
	old = specials[s][which];
	specials[s][which] = right.port;
	model_release((struct right){.port = old, .as = MACH_MSG_TYPE_PORT_SEND});
	model_settle();
}

void rights_operation(void)
{
	static void (*const operations[])(int) = {op_allocate, op_allocate, op_allocate, op_deallocate, op_mod_refs,
		op_destroy, op_rename, op_insert, op_insert, op_insert, op_extract, op_extract, op_special,
		op_give_task};

	operations[pick(sizeof operations / sizeof *operations)](any_space());
}

/* --- Comparison. */

static void compare_name(int space, const struct name *n, mach_port_type_t type)
{
	static const mach_port_right_t counted[] = {MACH_PORT_RIGHT_SEND, MACH_PORT_RIGHT_DEAD_NAME};
	const mach_port_type_t wanted = n->type | (n->requested ? MACH_PORT_TYPE_DNREQUEST : 0);

	if (type != wanted)
		wrong("space %d: %x is of type %x, not %x", space, n->name, type, wanted);
	for (unsigned i = 0; i < 2; i++) {
		mach_port_urefs_t refs = 0;

		if (!(n->type & MACH_PORT_TYPE(counted[i])))
			continue;
		expect("references are told", mach_port_get_refs(task_name(space), n->name, counted[i], &refs),
			KERN_SUCCESS);
		if (refs != n->urefs)
			wrong("space %d: %x has %u references, not %u", space, n->name, refs, n->urefs);
	}
	if (n->type & MACH_PORT_TYPE_RECEIVE) {
		const struct port *port = n->port;
		mach_port_status_t status;

		expect("a receive right's state", mach_port_get_receive_status(task_name(space), n->name, &status),
			KERN_SUCCESS);
		if (status.mps_pset != port->set || status.mps_seqno != port->seqno ||
			status.mps_mscount != port->mscount || status.mps_qlimit != port->qlimit ||
			status.mps_msgcount != port->count || status.mps_sorights != port->send_once ||
			(status.mps_srights != 0) != (port->send != 0) ||
			(status.mps_pdrequest != 0) != (port->destroyed != NULL) ||
			(status.mps_nsrequest != 0) != (port->no_senders != NULL))
			wrong("space %d: %x: set %x/%x number %u/%u made %u/%u limit %u/%u messages %u/%u send-once "
			      "%u/%u send %u/%u destroyed %u/%u no-senders %u/%u (got/wanted)",
				space, n->name, status.mps_pset, port->set, status.mps_seqno, port->seqno,
				status.mps_mscount, port->mscount, status.mps_qlimit, port->qlimit, status.mps_msgcount,
				port->count, status.mps_sorights, port->send_once, status.mps_srights, port->send,
				status.mps_pdrequest, port->destroyed != NULL, status.mps_nsrequest,
				port->no_senders != NULL);
	}
}

void compare_rights(int space)
{
	mach_port_name_array_t list = NULL;
	mach_port_type_array_t types = NULL;
	mach_msg_type_number_t count = 0, type_count = 0;
	unsigned found = 0;

	expect("names are told", mach_port_names(task_name(space), &list, &count, &types, &type_count), KERN_SUCCESS);
	for (unsigned i = 0; i < count; i++) {
		const struct name *n = name_of(space, list[i]);

		if (n == NULL && is_infrastructure(space, list[i]))
			continue;
		if (n == NULL)
			wrong("space %d has a right that nobody sent: %x, type %x", space, list[i], types[i]);
		compare_name(space, n, types[i]);
		found++;
	}
	if (found != names_used(space))
		wrong("space %d has %u names, not %u", space, found, names_used(space));
	if (count == 0)
		return;
	vm_deallocate(mach_task_self(), (vm_address_t)(uintptr_t)list, count * sizeof *list);
	vm_deallocate(mach_task_self(), (vm_address_t)(uintptr_t)types, count * sizeof *types);
}
