/* Messages: built at random, sent by a task, received by a task, compared with what the model has in its queues. */
#include "compose.h"

#include <string.h>

enum { CROWDED = 40, SOME_FULL = 3 };

static bool may_serve(int space, mach_port_name_t name, mach_msg_type_name_t disposition)
{
	const struct wanted_right wanted[] = {{name, disposition}};

	return model_check_rights(space, wanted, 1) < 0;
}

static struct wanted_right *add_right(struct sending *sending, mach_port_name_t name, mach_msg_type_name_t disposition)
{
	sending->right[sending->rights] = (struct wanted_right){name, disposition};
	return &sending->right[sending->rights++];
}

static mach_msg_descriptor_t rights_part(
	int space, struct sending *sending, struct part *part, bool array, mach_port_name_t *list)
{
	mach_msg_descriptor_t d = {0};
	mach_msg_type_name_t disposition = any_disposition();
	mach_port_name_t name = MACH_PORT_NULL;

	part->type = array ? MACH_MSG_OOL_PORTS_DESCRIPTOR : MACH_MSG_PORT_DESCRIPTOR;
	part->count = array ? pick(ARRAY + 1) : 1;
	for (unsigned i = 0; i < part->count; i++) {
		name = name_for_disposition(space, disposition);
		if (pick(12) == 0 || (!may_serve(space, name, disposition) && pick(4) != 0))
			name = MACH_PORT_NULL;
		add_right(sending, name, disposition);
		if (array)
			list[i] = name;
	}
	if (array)
		d.ool_ports = (mach_msg_ool_ports_descriptor_t){
			.address = list, .disposition = (uint8_t)disposition, .count = part->count, .type = part->type};
	else
		d.port = (mach_msg_port_descriptor_t){
			.name = name, .disposition = (uint8_t)disposition, .type = part->type};
	return d;
}

static mach_msg_descriptor_t memory_part(int space, struct sending *sending, struct part *part)
{
	mach_msg_descriptor_t d = {0};

	part->type = MACH_MSG_OOL_DESCRIPTOR;
	sending->address = memory_any(space, &part->count);
	sending->deallocate = pick(3) == 0;
	d.out_of_line = (mach_msg_ool_descriptor_t){.address = (void *)(uintptr_t)sending->address,
		.deallocate = sending->deallocate,
		.copy = (uint8_t)pick(2),
		.type = part->type,
		.size = (mach_msg_size_t)(part->count * VM_PAGE_SIZE)};
	return d;
}

void message_build(int space, unsigned worker, struct sending *sending)
{
	struct desk *desk = desk_of(space, worker);
	mach_msg_header_t *header = &desk->message.header;
	mach_msg_type_name_t remote = pick(3) == 0 ? MACH_MSG_TYPE_MOVE_SEND_ONCE : any_disposition(), local = 0;
	struct message *m = model_new_message();
	char *at = (char *)(header + 1);
	static mach_msg_id_t serial;

	if (remote == MACH_MSG_TYPE_MOVE_RECEIVE)
		remote = MACH_MSG_TYPE_COPY_SEND;
	*sending = (struct sending){.message = m, .memory = -1};
	memset(desk->message.bytes, 0, sizeof desk->message.bytes);
	add_right(sending, name_for_disposition(space, remote), remote);
	if (pick(3) == 0) {
		local = pick(2) == 0 ? MACH_MSG_TYPE_MAKE_SEND_ONCE : any_disposition();
		if (local == MACH_MSG_TYPE_MOVE_RECEIVE)
			local = MACH_MSG_TYPE_MAKE_SEND_ONCE;
		add_right(sending, name_for_disposition(space, local), local);
		sending->reply = true;
		header->msgh_local_port = sending->right[1].name;
	}
	*header = (mach_msg_header_t){.msgh_bits = MACH_MSGH_BITS(remote, local),
		.msgh_remote_port = sending->right[0].name,
		.msgh_local_port = header->msgh_local_port,
		.msgh_id = MESSAGE_ID + (mach_msg_id_t)(serial++ & 0xffffff)};
	m->id = header->msgh_id;
	if (pick(2) == 0) {
		m->parts = 1 + pick(PARTS);
		header->msgh_bits |= MACH_MSGH_BITS_COMPLEX;
		((mach_msg_body_t *)(void *)at)->msgh_descriptor_count = m->parts;
		at += sizeof(mach_msg_body_t);
		for (unsigned i = 0; i < m->parts; i++, at += sizeof(mach_msg_descriptor_t)) {
			mach_msg_descriptor_t d;

			if (sending->memory < 0 && space != OWN && pick(3) == 0) {
				d = memory_part(space, sending, &m->part[i]);
				sending->memory = (int)i;
			} else {
				d = rights_part(space, sending, &m->part[i], pick(3) == 0, desk->array[i]);
			}
			memcpy(at, &d, sizeof d);
		}
	}
	m->words = pick(4) == 0 ? pick(WORDS_MAX) : pick(9);
	m->first = (uint64_t)step << 32 | pick(1u << 30);
	for (unsigned i = 0; i < m->words; i++, at += 8) {
		const uint64_t word = WORD(m->first, (uint64_t)i);

		memcpy(at, &word, sizeof word);
	}
	sending->size = header->msgh_size = (mach_msg_size_t)(at - (char *)header);
}

/* The rights go, in the order in which the kernel takes them. */
static void take_rights(int space, struct sending *sending)
{
	struct message *m = sending->message;
	unsigned number = 0;
	struct right right;

	(void)model_take(space, sending->right[0].name, sending->right[0].disposition, NULL, &right);
	m->to = right.port;
	m->once = right.as == MACH_MSG_TYPE_PORT_SEND_ONCE;
	number++;
	if (sending->reply) {
		(void)model_take(space, sending->right[1].name, sending->right[1].disposition, m->to, &m->reply);
		m->reply.dead = false; /* arrives as a null name */
		number++;
	}
	for (unsigned i = 0; i < m->parts; i++)
		for (unsigned k = 0; k < m->part[i].count && m->part[i].type != MACH_MSG_OOL_DESCRIPTOR;
			k++, number++) {
			(void)model_take(space, sending->right[number].name, sending->right[number].disposition, m->to,
				&m->part[i].right[k]);
			/* A dead name in an array arrives as a null one. */
			if (m->part[i].type == MACH_MSG_OOL_PORTS_DESCRIPTOR)
				m->part[i].right[k].dead = false;
		}
}

mach_msg_return_t message_sent(int space, struct sending *sending)
{
	const struct name *to = name_of(space, sending->right[0].name);
	struct message *m = sending->message;
	mach_msg_return_t result;
	int failed;

	if (to != NULL && (to->type & MACH_PORT_TYPE_SEND_RECEIVE) && port_full(to->port))
		return MACH_SEND_TIMED_OUT;
	failed = model_check_rights(space, sending->right, sending->rights);
	if (failed == 0)
		return MACH_SEND_INVALID_DEST;
	if (failed == 1 && sending->reply)
		return MACH_SEND_INVALID_REPLY;
	if (failed > 0)
		return MACH_SEND_INVALID_RIGHT;
	if (sending->memory >= 0) {
		struct part *part = &m->part[sending->memory];

		result = memory_take(space, sending->address, part->count, sending->deallocate, part->value);
		if (result != MACH_MSG_SUCCESS)
			return result;
	}
	take_rights(space, sending);
	model_post(m);
	return MACH_MSG_SUCCESS;
}

/* The destination is one of the game's: others answer. */
static bool goes_to_kernel(int space, mach_port_name_t name)
{
	const struct name *n = name_of(space, name);

	return n != NULL && n->port != NULL && n->port->kernel && n->port->caller == 0;
}

/* By the register path: words only, by the send right or send-once right of the name. */
static void send_words(int s, mach_port_name_t name)
{
	const struct name *n = name_of(s, name);
	const unsigned words = pick(9);
	const uint64_t first = (uint64_t)step << 32 | pick(1u << 30);
	uint64_t *word = desk_of(s, 0)->word;
	struct message *m;
	struct right right;
	kern_return_t result;

	if (n != NULL && n->port != NULL && port_full(n->port) && (n->type & MACH_PORT_TYPE_SEND_RECEIVE))
		return; /* it would wait */
	for (unsigned i = 0; i < 8; i++)
		word[i] = i < words ? WORD(first, (uint64_t)i) : 0;
	say("send words %x, %u words", name, words);
	result = s == OWN ? mach_send_words(name, MESSAGE_ID - 1, word, words)
			  : (kern_return_t)act(s, SEND_WORDS, name, MESSAGE_ID - 1, words, 0, 0, 0);
	if (n == NULL || !(n->type & (MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_SEND_ONCE))) {
		expect("words to nowhere", result, MACH_SEND_INVALID_DEST);
		return;
	}
	expect("words are sent", result, KERN_SUCCESS);
	(void)model_take(s, name,
		n->type & MACH_PORT_TYPE_SEND ? MACH_MSG_TYPE_COPY_SEND : MACH_MSG_TYPE_MOVE_SEND_ONCE, NULL, &right);
	m = model_new_message();
	*m = (struct message){.id = MESSAGE_ID - 1,
		.words = words,
		.first = first,
		.to = right.port,
		.once = right.as == MACH_MSG_TYPE_PORT_SEND_ONCE};
	model_post(m);
}

/* A full queue, and the sender asks to be told of room. */
static mach_msg_return_t request_room(int s, mach_port_name_t name, mach_port_name_t told)
{
	struct name *n = name_of(s, name);
	const struct name *t = name_of(s, told);
	struct port *previous;

	if (!(n->type & MACH_PORT_TYPE_SEND) || t == NULL || !(t->type & MACH_PORT_TYPE_RECEIVE))
		return MACH_SEND_INVALID_NOTIFY;
	t->port->send_once++;
	previous = n->possible;
	n->possible = t->port;
	n->requested = true;
	model_release((struct right){.port = previous, .as = MACH_MSG_TYPE_PORT_SEND_ONCE});
	model_settle();
	return MACH_SEND_WILL_NOTIFY;
}

/* --- What was received. */

static bool same_words(const struct message *m, const char *at, size_t room)
{
	for (unsigned i = 0; i < m->words; i++, at += 8) {
		uint64_t word;

		if (room < 8 * (i + 1))
			return false;
		memcpy(&word, at, sizeof word);
		if (word != (m->id < NOTIFICATIONS ? m->first : WORD(m->first, (uint64_t)i)))
			return false;
	}
	return true;
}

static size_t head_size(const struct message *m)
{
	return sizeof(mach_msg_header_t) +
	       (m->parts != 0 ? sizeof(mach_msg_body_t) + m->parts * sizeof(mach_msg_descriptor_t) : 0);
}

static mach_msg_size_t size_of_message(const struct message *m)
{
	return (mach_msg_size_t)(head_size(m) + 8 * m->words);
}

/* The one that was received, among those at the head of the queue that came in one step. */
static struct message *find(struct port *port, const mach_msg_header_t *header)
{
	for (struct message *m = port->first; m != NULL && m->step == port->first->step; m = m->next)
		if (m->id == header->msgh_id && header->msgh_size == size_of_message(m) &&
			same_words(m, (const char *)header + head_size(m), header->msgh_size - head_size(m)))
			return m;
	return NULL;
}

static void right_received(int s, const char *what, struct right right, mach_port_name_t name)
{
	if (!model_put(s, right, name))
		wrong("%s came as %x (type %x)", what, name, name_of(s, name) != NULL ? name_of(s, name)->type : 0);
	model_settle();
}

static void array_received(int s, const struct part *part, const mach_msg_ool_ports_descriptor_t *d)
{
	mach_port_name_t list[ARRAY] = {0};

	expect("an array's size", d->count, part->count);
	if (d->count == 0)
		return;
	expect("an array is read",
		task_copy_from(task_name(s), (uintptr_t)d->address, d->count * sizeof list[0], list, 0, NULL),
		KERN_SUCCESS);
	for (unsigned i = 0; i < part->count; i++)
		right_received(s, "a right of an array", part->right[i], list[i]);
	expect("an array's memory goes", vm_deallocate(task_name(s), (uintptr_t)d->address, d->count * sizeof list[0]),
		KERN_SUCCESS);
}

static void parts_received(int s, const struct message *m, const char *at)
{
	mach_msg_descriptor_t d[PARTS];

	memcpy(d, at + sizeof(mach_msg_body_t), m->parts * sizeof *d);
	for (unsigned i = 0; i < m->parts; i++) {
		expect("a part's type", d[i].type.type, m->part[i].type);
		if (d[i].type.type != MACH_MSG_PORT_DESCRIPTOR)
			continue;
		expect("a right's kind", d[i].port.disposition, m->part[i].right[0].as);
		right_received(s, "a right", m->part[i].right[0], d[i].port.name);
	}
	for (unsigned i = 0; i < m->parts; i++) {
		if (d[i].type.type == MACH_MSG_OOL_PORTS_DESCRIPTOR)
			array_received(s, &m->part[i], &d[i].ool_ports);
		else if (d[i].type.type == MACH_MSG_OOL_DESCRIPTOR)
			expect("memory's size", d[i].out_of_line.size, (int64_t)(m->part[i].count * VM_PAGE_SIZE));
		if (d[i].type.type == MACH_MSG_OOL_DESCRIPTOR && d[i].out_of_line.size != 0)
			memory_check_and_free(
				s, (uintptr_t)d[i].out_of_line.address, m->part[i].count, m->part[i].value);
	}
}

void message_received(int s, unsigned worker, mach_port_name_t by)
{
	const mach_msg_header_t *header = &desk_of(s, worker)->message.header;
	const struct name *n = name_of(s, header->msgh_local_port), *b = name_of(s, by);
	const mach_msg_trailer_t *trailer = (const void *)((const char *)header + ((header->msgh_size + 7) & ~7u));
	struct message *m;
	struct port *port;

	if (n == NULL || !(n->type & MACH_PORT_TYPE_RECEIVE) || b == NULL ||
		(b->type == MACH_PORT_TYPE_PORT_SET ? n->port->set != by : n != b))
		wrong("a message by %x came to %x", by, header->msgh_local_port);
	port = n->port;
	m = find(port, header);
	if (m == NULL)
		wrong("message %d of %u bytes came that is not in the queue (first: %d, %u bytes, of step %lu)", header->msgh_id,
			header->msgh_size, port->first != NULL ? port->first->id : 0,
			port->first != NULL ? size_of_message(port->first) : 0, port->first != NULL ? port->first->step : 0);
	say("  got %d", m->id);
	if (m->caller != 0)
		m->reply = call_received(m);
	expect("the header", header->msgh_bits,
		MACH_MSGH_BITS(m->reply.port != NULL ? m->reply.as : 0,
			m->once ? MACH_MSG_TYPE_PORT_SEND_ONCE : MACH_MSG_TYPE_PORT_SEND) |
			(m->parts != 0 ? MACH_MSGH_BITS_COMPLEX : 0));
	expect("the sequence number", trailer->msgh_seqno, port->seqno++);
	expect("the payload", (int64_t)trailer->msgh_payload, port->has_payload ? (int64_t)port->payload : 0);
	model_leave(m);
	if (m->once)
		m->to->send_once--;
	else if (m->caller == 0)
		model_release((struct right){.port = m->to, .as = MACH_MSG_TYPE_PORT_SEND});
	model_settle();
	right_received(s, "the right to reply", m->reply, header->msgh_remote_port);
	if (m->parts != 0)
		parts_received(s, m, (const char *)(header + 1));
}

/* What a receive by the name would say; *size: of the message of a port that would come, 0 if that is not certain. */
static mach_msg_return_t receivable(int s, mach_port_name_t name, mach_msg_size_t *size)
{
	const struct name *n = name_of(s, name);

	*size = 0;
	if (n == NULL || !(n->type & (MACH_PORT_TYPE_RECEIVE | MACH_PORT_TYPE_PORT_SET)))
		return MACH_RCV_INVALID_NAME;
	if (n->type & MACH_PORT_TYPE_RECEIVE) {
		if (n->port->first == NULL)
			return MACH_RCV_TIMED_OUT;
		/* Of one step any may be first. */
		if (n->port->first->next == NULL || n->port->first->next->step != n->port->first->step)
			*size = size_of_message(n->port->first);
		return MACH_MSG_SUCCESS;
	}
	for (unsigned i = 0; i < NAMES; i++)
		if (names[s][i].name != 0 && (names[s][i].type & MACH_PORT_TYPE_RECEIVE) &&
			names[s][i].port->set == name && names[s][i].port->first != NULL)
			return MACH_MSG_SUCCESS;
	return MACH_RCV_TIMED_OUT;
}

/* Sends, and receives by the name in the same call if there is one. */
static void send_and_receive(int s, mach_port_name_t by)
{
	const bool told = pick(4) == 0;
	const mach_port_name_t tell = any_name_with(s, MACH_PORT_TYPE_RECEIVE);
	mach_msg_option_t option = MACH_SEND_MSG | (told ? MACH_SEND_NOTIFY : MACH_SEND_TIMEOUT);
	mach_msg_return_t result, wanted;
	struct sending sending;
	mach_msg_size_t size;

	message_build(s, 0, &sending);
	if (goes_to_kernel(s, sending.right[0].name))
		return;
	say("send to %x by %u, reply %x, %u parts, %u words, then receive by %x", sending.right[0].name,
		sending.right[0].disposition, sending.reply ? sending.right[1].name : 0, sending.message->parts,
		sending.message->words, by);
	for (unsigned i = sending.reply ? 2 : 1; i < sending.rights; i++)
		say("  with %x by %u", sending.right[i].name, sending.right[i].disposition);
	if (sending.memory >= 0)
		say("  with memory %lx, %u pages%s", (unsigned long)sending.address,
			sending.message->part[sending.memory].count, sending.deallocate ? ", given away" : "");
	if (by != MACH_PORT_NULL)
		option |= MACH_RCV_MSG | MACH_RCV_TIMEOUT;
	result = (mach_msg_return_t)act(s, TRAP_MACH_MSG, (uintptr_t)&desk_of(s, 0)->message, option,
		sending.size | (by != MACH_PORT_NULL ? (uint64_t)BUFFER << 32 : 0), by, 0,
		told ? tell : MACH_PORT_NULL);
	wanted = message_sent(s, &sending);
	if (wanted == MACH_SEND_TIMED_OUT && told)
		wanted = request_room(s, sending.right[0].name, tell);
	if (wanted == MACH_MSG_SUCCESS && by != MACH_PORT_NULL) {
		wanted = receivable(s, by, &size);
		expect("a send and a receive", result, wanted);
		if (result == MACH_MSG_SUCCESS)
			message_received(s, 0, by);
	} else {
		expect("a send", result, wanted);
	}
}

void send_operation(void)
{
	const int s = any_space();
	const unsigned kind = pick(6);
	mach_port_name_t name;

	if (kind == 0) {
		name = any_name_with(s, MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_SEND_ONCE);
		if (!goes_to_kernel(s, name))
			send_words(s, name);
	} else if (kind == 1 && !space_waits(s) && names_used(s) <= CROWDED) {
		send_and_receive(s, any_name_with(s, MACH_PORT_TYPE_RECEIVE | MACH_PORT_TYPE_PORT_SET));
	} else {
		send_and_receive(s, MACH_PORT_NULL);
	}
}

void receive_operation(void)
{
	const int s = any_space();
	const mach_port_name_t name = any_name_with(s, MACH_PORT_TYPE_RECEIVE | MACH_PORT_TYPE_PORT_SET);
	mach_msg_size_t size, room = BUFFER;
	mach_msg_return_t result, wanted = receivable(s, name, &size);
	const bool large = pick(2) == 0;
	struct message *m;

	if (names_used(s) > CROWDED)
		return;
	/* Only where it is certain which message is meant. */
	if (size > sizeof(mach_msg_header_t) && pick(6) == 0) {
		room = size - 4;
		wanted = MACH_RCV_TOO_LARGE;
	}
	say("receive by %x, room %u%s", name, room, large ? ", large" : "");
	result = (mach_msg_return_t)act(s, TRAP_MACH_MSG, (uintptr_t)&desk_of(s, 0)->message,
		MACH_RCV_MSG | MACH_RCV_TIMEOUT | (large ? MACH_RCV_LARGE : 0), (uint64_t)room << 32, name, 0,
		MACH_PORT_NULL);
	expect("a receive", result, wanted);
	if (result == MACH_MSG_SUCCESS) {
		message_received(s, 0, name);
	} else if (result == MACH_RCV_TOO_LARGE && large) {
		expect("what is too large says its size", desk_of(s, 0)->message.header.msgh_size, size);
	} else if (result == MACH_RCV_TOO_LARGE) {
		m = name_of(s, name)->port->first;
		model_leave(m);
		m->ended = MIG_SERVER_DIED;
		model_destroy_message(m);
		model_settle();
	}
}
