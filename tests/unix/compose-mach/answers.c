/* Servers by mach_reply_wait: threads that get words in registers, owe an answer, and give it, put it off, or never do. */
#include "compose.h"

enum { CROWDED = 24, REPLY_IDS = 100 };

/* What the second thread of a space owes, for what it last received in registers. */
static struct debt {
	int caller;           /* a space whose thread waits in this call, or 0 */
	unsigned long number; /* of the call */
	struct right right;   /* that came with a message */
	mach_msg_id_t id;     /* of the answer */
} debts[SPACES];

void answers_forget(int space)
{
	debts[space] = (struct debt){0};
}

static bool owes(int space)
{
	return debts[space].caller != 0 || debts[space].right.port != NULL;
}

bool owes_right(int space)
{
	return debts[space].right.port != NULL;
}

void debt_dropped(int space)
{
	const struct debt debt = debts[space];

	debts[space] = (struct debt){0};
	if (debt.caller != 0 && call_stands(debt.caller, debt.number))
		call_ended(debt.caller, MIG_SERVER_DIED);
	model_release(debt.right);
	model_settle();
}

static void debt_answered(int space, uint64_t first, unsigned words)
{
	const struct debt debt = debts[space];
	struct message *m;

	debts[space] = (struct debt){0};
	if (debt.caller != 0 && call_stands(debt.caller, debt.number))
		call_answered_in_words(debt.caller, first, words);
	if (debt.right.port == NULL)
		return;
	if (debt.right.port->kernel && debt.right.port->caller == 0) {
		model_release(debt.right); /* no routine of the kernel's has such an id */
		model_settle();
		return;
	}
	m = model_new_message();
	*m = (struct message){.id = debt.id,
		.words = words,
		.first = first,
		.to = debt.right.port,
		.once = debt.right.as == MACH_MSG_TYPE_PORT_SEND_ONCE};
	model_post(m);
}

/* The thread answers what it owes, or not, and then waits by the name, or not. */
static void answer(int s, mach_port_name_t name, uint32_t flags)
{
	struct desk *desk = desk_of(s, 1);
	const unsigned words = pick(9);
	const uint64_t first = (uint64_t)step << 32 | pick(1u << 30);

	say("space %d answers %u words, flags %u, and receives by %x", s, words, flags, name);
	for (unsigned i = 0; i < 8; i++)
		desk->delivery.word[i] = i < words ? WORD(first, (uint64_t)i) : 0;
	act_later(s, ANSWER, name, flags, words, 0, 0, 0);
	if (flags & REPLY_NONE)
		debt_dropped(s);
	else
		debt_answered(s, first, words);
}

static void put_off(int s)
{
	const struct debt debt = debts[s];
	struct right right = debt.right;
	int64_t name;

	if (right.port != NULL && !right.port->alive)
		return;
	say("space %d puts its answer off", s);
	act_later(s, TRAP_MACH_REPLY_DEFER, 0, 0, 0, 0, 0, 0);
	name = desk_of(s, 1)->result;
	debts[s] = (struct debt){0};
	if (debt.caller != 0)
		right = call_put_off(debt.caller, debt.number);
	if (!model_put(s, right, (mach_port_name_t)name) || name >> 32 != 0)
		wrong("space %d: a right to answer came as %llx", s, (unsigned long long)name);
	if (debt.caller != 0 && !call_stands(debt.caller, debt.number))
		model_port_dies(right.port);
	model_settle();
}

void answer_now(int s)
{
	answer(s, MACH_PORT_NULL, REPLY_NO_WAIT);
	if (__atomic_load_n(&desk_of(s, 1)->state, __ATOMIC_ACQUIRE) != DONE)
		wrong("space %d waits after its answer", s);
	expect("an answer", desk_of(s, 1)->result, MACH_MSG_SUCCESS);
}

/* A set, or mostly a port that somebody can send to. */
static mach_port_name_t name_to_serve(int s)
{
	mach_port_name_t name = MACH_PORT_NULL;

	if (pick(3) == 0)
		return any_name_with(s, MACH_PORT_TYPE_PORT_SET);

	for (unsigned tries = 0; tries < 8; tries++) {
		const struct name *n = name_of(s, name = any_name_with(s, MACH_PORT_TYPE_RECEIVE));

		if (n != NULL && (n->type & MACH_PORT_TYPE_RECEIVE) && (n->port->send != 0 || n->port->first != NULL))
			break;
	}
	return name;
}

mach_port_name_t answer_begin(int s)
{
	const mach_port_name_t name = name_to_serve(s);
	const struct name *n = name_of(s, name);
	const unsigned which = pick(owes(s) ? 5 : 12);

	if (names_used(s) > CROWDED)
		return MACH_PORT_NULL;
	if (which == 0) {
		answer_now(s);
	} else if (which == 1 && owes(s)) {
		put_off(s);
	} else if (n != NULL && (n->type & (MACH_PORT_TYPE_RECEIVE | MACH_PORT_TYPE_PORT_SET))) {
		answer(s, name, pick(3) == 0 ? REPLY_NONE : 0);
		return name;
	}
	return MACH_PORT_NULL;
}

/* --- What came. */

static bool same(const struct message *m, const struct mach_delivery *d)
{
	if (m->parts != 0 || m->id != DELIVERED_ID(d->kind) || m->words != DELIVERED_COUNT(d->kind))
		return false;
	for (unsigned i = 0; i < 8; i++)
		if (d->word[i] != (i >= m->words ? 0 : m->id < NOTIFICATIONS ? m->first : WORD(m->first, (uint64_t)i)))
			return false;
	return true;
}

/* The message in the port's queue, of those that may be first; null: it is in none. */
static struct message *find(const struct name *n, const struct mach_delivery *d)
{
	struct message *m = n->port->first;

	if (d->payload != (n->port->has_payload ? n->port->payload : n->name))
		return NULL;
	while (m != NULL && m->step == n->port->first->step && !same(m, d))
		m = m->next;
	return m != NULL && m->step == n->port->first->step ? m : NULL;
}

void answer_back(int space, mach_port_name_t by)
{
	const struct mach_delivery *d = &desk_of(space, 1)->delivery;
	const struct name *n;
	struct message *m = NULL;

	if (d->kind & DELIVERED_BUFFER) {
		n = name_of(space, desk_of(space, 1)->message.header.msgh_local_port);
		m = n != NULL && n->port != NULL ? n->port->first : NULL;
		if (m != NULL && m->next == NULL && m->parts == 0 && m->words <= 8)
			wrong("space %d: words came in a buffer", space);
		message_received(space, 1, by);
		return;
	}
	for (unsigned i = 0; i < NAMES && m == NULL; i++) {
		n = &names[space][i];
		if (n->name != 0 && (n->type & MACH_PORT_TYPE_RECEIVE) && (n->name == by || n->port->set == by))
			m = find(n, d);
	}
	if (m == NULL)
		wrong("space %d: %u words of %d came by %x, of the port that %llx stands for, that are in no queue", space,
			DELIVERED_COUNT(d->kind), DELIVERED_ID(d->kind), by, (unsigned long long)d->payload);
	say("  got %d", m->id);
	m->to->seqno++;
	if (m->caller != 0)
		debts[space] = (struct debt){.caller = m->caller, .number = call_taken(m)};
	else
		debts[space] = (struct debt){.right = m->reply, .id = m->id + REPLY_IDS};
	expect("whether an answer is owed", (d->kind & DELIVERED_CALL) != 0, owes(space));
	model_leave(m);
	if (m->once)
		m->to->send_once--;
	else if (m->caller == 0)
		model_release((struct right){.port = m->to, .as = MACH_MSG_TYPE_PORT_SEND});
	model_settle();
}
