/* Calls by the register path: a thread is its own message, and waits until its right to an answer is used or dies. */
#include "compose.h"

static struct call {
	enum { NONE, QUEUED, RECEIVED, OVER } state;
	struct message *message;
	struct port *reply;
	unsigned long number;
	int64_t result;
	uint64_t first; /* of the answer's words */
	unsigned words;
} calls[SPACES];

bool call_is_over(int space)
{
	return calls[space].state == OVER;
}

void call_ended(int caller, int64_t result)
{
	struct call *call = &calls[caller];

	if (call->reply != NULL)
		model_port_dies(call->reply);
	*call = (struct call){.state = OVER, .result = result};
}

/* The answer is owed still. */
bool call_stands(int caller, unsigned long number)
{
	return calls[caller].state == RECEIVED && calls[caller].number == number;
}

unsigned long call_taken(const struct message *message)
{
	calls[message->caller].state = RECEIVED;
	return calls[message->caller].number;
}

void call_answered_in_words(int caller, uint64_t first, unsigned words)
{
	call_ended(caller, MACH_MSG_SUCCESS);
	calls[caller].first = first;
	calls[caller].words = words;
}

struct right call_put_off(int caller, unsigned long number)
{
	struct port *reply = model_new_port(-1);

	reply->kernel = true;
	reply->send_once = 1;
	if (call_stands(caller, number)) {
		reply->caller = caller;
		calls[caller].reply = reply;
	}
	return (struct right){.port = reply, .as = MACH_MSG_TYPE_PORT_SEND_ONCE};
}

struct right call_received(const struct message *message)
{
	struct call *call = &calls[message->caller];

	call->state = RECEIVED;
	call->reply = model_new_port(-1);
	call->reply->kernel = true;
	call->reply->caller = message->caller;
	call->reply->send_once = 1;
	return (struct right){.port = call->reply, .as = MACH_MSG_TYPE_PORT_SEND_ONCE};
}

void call_answered(struct message *message)
{
	const int caller = message->to->caller;
	const bool plain = message->parts == 0 && message->words <= 8;

	call_ended(caller, plain ? MACH_MSG_SUCCESS : MACH_RCV_COMPLEX);
	if (plain) {
		calls[caller].first = message->first;
		calls[caller].words = message->words;
	}
	model_destroy_message(message);
}

void call_forgotten(int caller)
{
	struct call *call = &calls[caller];

	if (call->state == QUEUED)
		model_leave(call->message);
	if (call->reply != NULL)
		model_port_dies(call->reply);
	*call = (struct call){0};
}

/* As things are now: in the queue, or over. The words are the desk's. */
static void begin(int space, mach_port_name_t name)
{
	const struct name *n = name_of(space, name);
	struct call *call = &calls[space];
	static unsigned long number;
	struct message *m;
	struct right right;

	*call = (struct call){.state = OVER, .result = MACH_SEND_INVALID_DEST};
	if (n == NULL || !(n->type & (MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_SEND_ONCE)))
		return;
	if (n->port->kernel) {
		call->result = MACH_SEND_INVALID_RIGHT; /* who answers does not wait for an answer to that */
		return;
	}
	m = model_new_message();
	*m = (struct message){.id = MESSAGE_ID - 2,
		.caller = space,
		.ended = MACH_SEND_INVALID_DEST,
		.to = n->port,
		.first = desk_of(space, 1)->word[0],
		.words = (unsigned)desk_of(space, 1)->trap[3]};
	*call = (struct call){.state = QUEUED, .message = m, .number = ++number};
	if (!(n->type & MACH_PORT_TYPE_SEND)) {
		(void)model_take(space, name, MACH_MSG_TYPE_MOVE_SEND_ONCE, NULL, &right);
		right.port->send_once--;
	}
	model_post(m);
}

/* Often one by which a thread serves. */
static mach_port_name_t name_to_call(int space)
{
	for (unsigned i = 0; i < NAMES && pick(16) != 0; i++) {
		const struct name *n = &names[space][i];

		if (n->name != 0 && !n->pinned && (n->type & MACH_PORT_TYPE_SEND) && is_served(n->port))
			return n->name;
	}
	return any_name_with(space, MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_SEND_ONCE);
}

/* A routine of the kernel's would answer. */
static bool calls_kernel(int space, mach_port_name_t name)
{
	const struct name *n = name_of(space, name);

	return n != NULL && n->port != NULL && n->port->kernel && n->type != MACH_PORT_TYPE_SEND_ONCE;
}

bool call_begin(int space)
{
	const mach_port_name_t name = name_to_call(space);
	const unsigned words = 1 + pick(8);
	const uint64_t first = (uint64_t)step << 32 | pick(1u << 30);

	if (calls_kernel(space, name))
		return false;
	say("space %d calls %x with %u words", space, name, words);
	for (unsigned i = 0; i < 8; i++)
		desk_of(space, 1)->word[i] = i < words ? WORD(first, (uint64_t)i) : 0;
	act_later(space, CALL, name, MESSAGE_ID - 2, words, 0, 0, 0);
	begin(space, name);
	return true;
}

void call_abort(int space)
{
	struct call *call = &calls[space];

	/* The name has come to stand for something else, perhaps. */
	if (call->state == QUEUED && calls_kernel(space, (mach_port_name_t)desk_of(space, 1)->trap[1]))
		return;
	act_abort(space);
	if (call->state == RECEIVED) {
		call_ended(space, MACH_RCV_INTERRUPTED);
	} else if (call->state == QUEUED) {
		/* It is made again, as if for the first time. */
		model_leave(call->message);
		act_settle(space);
		begin(space, (mach_port_name_t)desk_of(space, 1)->trap[1]);
	}
	model_settle();
}

void call_back(int space)
{
	const struct call call = calls[space];
	const struct desk *desk = desk_of(space, 1);

	calls[space] = (struct call){0};
	say("  space %d comes back from its call: %llx", space, (unsigned long long)desk->result);
	expect("a call", desk->result, call.result);
	for (unsigned i = 0; i < 8 && call.result == MACH_MSG_SUCCESS; i++)
		expect("a word of the answer", (int64_t)desk->word[i],
			i < call.words ? (int64_t)WORD(call.first, (uint64_t)i) : 0);
}
