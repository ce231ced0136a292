/*
 * Every kind of request, damaged in every place: what a client without stubs, or a hostile one, may send.
 *
 * The golden client's requests are recorded. Each is then built again, as the kernel would deliver it, with one thing
 * changed, and given to the dispatcher. Whatever comes out: no byte is read or written where none is (the request's
 * memory ends where the message does; sanitizers watch), the reply has no byte that nobody wrote, and no right and no
 * memory is left over. What the declaration excludes is refused by MIG_BAD_ARGUMENTS.
 */
#include "golden.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RECORDS = 128, DESCRIPTORS = 32, MEMORY = 64, WORDS_TRIED = 64, EXTRA = 128 };

static struct record {
	mach_msg_header_t *message;
	char memory[DESCRIPTORS][MEMORY]; /* out-of-line bytes */
} recorded[RECORDS];
static unsigned recorded_count;
static unsigned failures, sent, refused;

static mach_msg_body_t *body_of(mach_msg_header_t *message)
{
	return (void *)(message + 1);
}

static mach_msg_descriptor_t *descriptors_of(mach_msg_header_t *message)
{
	return (void *)(body_of(message) + 1);
}

static bool is_complex(const mach_msg_header_t *message)
{
	return (message->msgh_bits & MACH_MSGH_BITS_COMPLEX) != 0;
}

static uint32_t descriptor_count(mach_msg_header_t *message)
{
	return is_complex(message) ? body_of(message)->msgh_descriptor_count : 0;
}

/* Where the data begins. */
static mach_msg_size_t data_offset(mach_msg_header_t *message)
{
	return is_complex(message) ? 32 + 16 * descriptor_count(message) : 24;
}

/* One request of each id and size. */
void damage_record(const mach_msg_header_t *message)
{
	struct record *record = &recorded[recorded_count];
	unsigned i;

	for (i = 0; i < recorded_count; i++) {
		if (recorded[i].message->msgh_id == message->msgh_id)
			return;
	}
	if (recorded_count == RECORDS || message->msgh_id < 3000 || message->msgh_id >= golden_subsystem.end)
		return;
	record->message = malloc(message->msgh_size);
	memcpy(record->message, message, message->msgh_size);
	for (i = 0; i < descriptor_count(record->message); i++) {
		const mach_msg_descriptor_t *d = &descriptors_of(record->message)[i];

		if (d->type.type == MACH_MSG_OOL_DESCRIPTOR && d->out_of_line.size != 0)
			memcpy(record->memory[i], d->out_of_line.address,
				d->out_of_line.size < MEMORY ? d->out_of_line.size : MEMORY);
	}
	recorded_count++;
}

/* A right of its own for a descriptor with this disposition. */
static mach_port_t new_right(uint8_t disposition)
{
	switch (disposition) {
	case MACH_MSG_TYPE_PORT_RECEIVE:
		return lb_port(NULL, 0);
	case MACH_MSG_TYPE_PORT_SEND_ONCE:
		return lb_send_once_right(kept);
	default:
		return lb_send_right(kept);
	}
}

/* Rights and memory for what the descriptors say, as on delivery. */
static void furnish(mach_msg_header_t *message, const struct record *record)
{
	for (uint32_t i = 0; i < descriptor_count(message); i++) {
		mach_msg_descriptor_t *d = &descriptors_of(message)[i];
		vm_address_t memory = 0;

		switch (d->type.type) {
		case MACH_MSG_PORT_DESCRIPTOR:
			if (d->port.name != MACH_PORT_NULL)
				d->port.name = new_right(d->port.disposition);
			break;
		case MACH_MSG_OOL_DESCRIPTOR:
			d->out_of_line.deallocate = 1;
			if (d->out_of_line.size != 0) {
				mig_allocate(&memory, d->out_of_line.size);
				memcpy((void *)memory, record->memory[i % DESCRIPTORS],
					d->out_of_line.size < MEMORY ? d->out_of_line.size : MEMORY);
			}
			d->out_of_line.address = (void *)memory;
			break;
		default:
			d->ool_ports.deallocate = 1;
			if (d->ool_ports.count != 0)
				mig_allocate(&memory, d->ool_ports.count * sizeof(mach_port_t));
			for (uint32_t j = 0; j < d->ool_ports.count; j++)
				((mach_port_t *)memory)[j] = new_right(d->ool_ports.disposition);
			d->ool_ports.address = (void *)memory;
			break;
		}
	}
}

static void complain(
	const mach_msg_header_t *message, const char *what, const char *damage, unsigned at, uint32_t value)
{
	if (failures++ < 20)
		printf("  request %d (%s at %u, %#x): %s\n", message->msgh_id, damage, at, value, what);
}

/* Whether a byte of the reply is part of an address, which may have any value. */
static bool in_address(mach_msg_header_t *message, unsigned at)
{
	return is_complex(message) && at >= 32 && at < data_offset(message) && (at - 32) % 16 < 8 &&
	       descriptors_of(message)[(at - 32) / 16].type.type != MACH_MSG_PORT_DESCRIPTOR;
}

/* What the golden work functions keep when they succeed. */
static void drop_kept(mach_msg_id_t id, kern_return_t result)
{
	const char *name = golden_subsystem.routine[id - golden_subsystem.start].name;

	if (result == KERN_SUCCESS && strcmp(name, "port_pair") == 0)
		calls_in_server(LET_GO_PAIR);
	if (result == KERN_SUCCESS && strcmp(name, "handle") == 0 && lb_object(golden_last) != 0)
		mach_port_deallocate(0, golden_last);
	if (result == MIG_NO_REPLY && strcmp(name, "late") == 0)
		mach_port_deallocate(0, golden_late);
}

/*
 * Sends a request whose descriptors say what they carry; the memory is `message`'s own and ends with its trailer.
 * Returns the result.
 */
static kern_return_t send_damaged(mach_msg_header_t *message, const struct record *record, mach_port_t server,
	const char *damage, unsigned at, uint32_t value)
{
	static mach_msg_header_t *out;
	const mach_msg_size_t size = message->msgh_size, trailer = (size + 7) & ~7u;
	const unsigned rights = lb_rights(), regions = lb_regions(), handles = golden_told.handles;
	mach_msg_audit_trailer_t tail = {.msgh_trailer_size = sizeof tail};
	mach_msg_header_t *in = malloc(trailer + sizeof tail);
	kern_return_t result = KERN_SUCCESS;
	mach_port_t reply;
	unsigned i;

	memcpy(in, message, size);
	memset((char *)in + size, 0, trailer - size);
	memcpy((char *)in + trailer, &tail, sizeof tail);
	furnish(in, record);
	reply = lb_send_once_right(kept);
	in->msgh_remote_port = reply;
	in->msgh_local_port = server;
	in->msgh_bits = (in->msgh_bits & MACH_MSGH_BITS_COMPLEX) |
			MACH_MSGH_BITS(MACH_MSG_TYPE_PORT_SEND_ONCE, MACH_MSG_TYPE_PORT_SEND);
	if (out == NULL)
		out = malloc(golden_subsystem.max_reply_size);
	memset(out, LB_PAINT, golden_subsystem.max_reply_size);
	lb_paint();
	mig_server_dispatch(&golden_subsystem, in, out);
	sent++;
	for (i = 0; i < out->msgh_size; i++) {
		if (((unsigned char *)out)[i] == LB_PAINT && !in_address(out, i)) {
			complain(message, "a byte of the reply is not written", damage, at, value);
			break;
		}
	}
	if (!is_complex(out)) {
		if ((golden_subsystem.routine[message->msgh_id - golden_subsystem.start].flags &
			    MIG_ROUTINE_REGISTER) != 0 &&
			out->msgh_remote_port != MACH_PORT_NULL)
			memcpy(&result, out + 1, sizeof result);
		else
			result = ((mig_reply_error_t *)(void *)out)->RetCode;
	}
	refused += result == MIG_BAD_ARGUMENTS;
	drop_kept(message->msgh_id, result);
	if (out->msgh_remote_port != MACH_PORT_NULL)
		mach_msg_destroy(out);
	else if ((golden_subsystem.routine[message->msgh_id - golden_subsystem.start].flags & MIG_ROUTINE_ONEWAY) !=
			 0 &&
		 lb_object(reply) != 0)
		mach_port_deallocate(0, reply);
	free(in);
	if (lb_rights() != rights)
		complain(message, "rights are left over or gone", damage, at, value);
	if (lb_regions() != regions)
		complain(message, "memory is left over or gone", damage, at, value);
	if (golden_told.handles != handles)
		complain(message, "a translated value is not released", damage, at, value);
	return result;
}

static void must_be_refused(mach_msg_header_t *message, const struct record *record, mach_port_t server,
	const char *damage, unsigned at, uint32_t value)
{
	const struct mig_routine *routine = &golden_subsystem.routine[message->msgh_id - golden_subsystem.start];
	const unsigned notes = golden_told.notes;
	kern_return_t result = send_damaged(message, record, server, damage, at, value);

	if (routine->flags & MIG_ROUTINE_ONEWAY ? golden_told.notes != notes : result != MIG_BAD_ARGUMENTS)
		complain(message, "not refused", damage, at, value);
}

static mach_msg_header_t *copy_of(const struct record *record)
{
	mach_msg_header_t *copy = calloc(1, record->message->msgh_size + EXTRA);

	memcpy(copy, record->message, record->message->msgh_size);
	return copy;
}

/* Each word of the data, and each of its bytes. */
static void damage_data(const struct record *record, mach_port_t server)
{
	static const uint32_t values[] = {0, 1, 0xffffffff, 0x7fffffff, 0x80000000, 0x40000000, 51, 65, 4097};
	mach_msg_size_t at = data_offset(record->message), end = record->message->msgh_size;
	unsigned i;

	if (end > at + 4 * WORDS_TRIED)
		end = at + 4 * WORDS_TRIED;
	for (; at < end; at += 4) {
		for (i = 0; i < sizeof values / sizeof values[0] + 6; i++) {
			mach_msg_header_t *message = copy_of(record);
			uint32_t value;

			memcpy(&value, (char *)message + at, 4);
			if (i < sizeof values / sizeof values[0])
				value = values[i];
			else if (i < sizeof values / sizeof values[0] + 2)
				value += i % 2 != 0 ? 1 : 0xffffffff;
			else
				value |= 0xffu << 8 * (i - sizeof values / sizeof values[0] - 2);
			memcpy((char *)message + at, &value, 4);
			send_damaged(message, record, server, "data", at, value);
			free(message);
		}
	}
}

static void damage_size(const struct record *record, mach_port_t server)
{
	const mach_msg_size_t right = record->message->msgh_size;
	mach_msg_size_t size;

	/* All sizes near, and of large messages not all the smaller ones. */
	for (size = data_offset(record->message); size <= right + EXTRA - 8; size += size + 512 < right ? 256 : 4) {
		mach_msg_header_t *message = copy_of(record);

		message->msgh_size = size;
		if (size != right)
			must_be_refused(message, record, server, "size", size, right);
		else if (send_damaged(message, record, server, "nothing", 0, 0) == MIG_BAD_ARGUMENTS)
			complain(message, "refused as it is", "nothing", 0, 0);
		free(message);
	}
}

static void insert_descriptor(mach_msg_header_t *message, unsigned at, mach_msg_descriptor_t descriptor)
{
	mach_msg_descriptor_t *d = descriptors_of(message);

	memmove(&d[at + 1], &d[at], message->msgh_size - (size_t)((char *)&d[at] - (char *)message));
	d[at] = descriptor;
	body_of(message)->msgh_descriptor_count++;
	message->msgh_size += sizeof *d;
}

static void remove_descriptor(mach_msg_header_t *message, unsigned at)
{
	mach_msg_descriptor_t *d = descriptors_of(message);

	memmove(&d[at], &d[at + 1], message->msgh_size - (size_t)((char *)&d[at + 1] - (char *)message));
	body_of(message)->msgh_descriptor_count--;
	message->msgh_size -= sizeof *d;
}

/* All data from some place to the end, without any zero: what is no string any more. */
static void damage_strings(const struct record *record, mach_port_t server)
{
	mach_msg_size_t at = data_offset(record->message);

	for (; at < record->message->msgh_size && at < 200; at++) {
		mach_msg_header_t *message = copy_of(record);

		memset((char *)message + at, 'x', message->msgh_size - at);
		(void)send_damaged(message, record, server, "no zero", at, 0);
		free(message);
	}
}

/* More elements than declared, in a message that is as long as that takes. */
static void damage_counts(const struct record *record, mach_port_t server)
{
	static const struct {
		const char *name;
		unsigned most;
		unsigned fixed; /* bytes of the data after the elements */
	} variable[] = {{"bytes", 50, 0}, {"strings", 64, 8}, {"object_message", 64, 0}};
	const char *name = golden_subsystem.routine[record->message->msgh_id - golden_subsystem.start].name;

	for (unsigned i = 0; i < sizeof variable / sizeof variable[0]; i++) {
		if (strcmp(name, variable[i].name) != 0)
			continue;
		for (uint32_t count = variable[i].most; count < variable[i].most + 10; count++) {
			mach_msg_header_t *message = calloc(1, 256);

			memcpy(message, record->message, 36);
			memcpy((char *)message + 32, &count, 4);
			memset((char *)message + 36, 'x', count - 1);
			message->msgh_size = ((36 + count + 7) & ~7u) + variable[i].fixed;
			if (count > variable[i].most)
				must_be_refused(message, record, server, "count", 32, count);
			else if (send_damaged(message, record, server, "count", 32, count) == MIG_BAD_ARGUMENTS)
				complain(message, "refused as it is", "count", 32, count);
			free(message);
		}
	}
}

/* One descriptor more, in the place of data: the sizes are those of a good request. */
static void damage_overlaid(const struct record *record, mach_port_t server)
{
	const uint32_t count = descriptor_count(record->message);
	const mach_msg_size_t at = is_complex(record->message) ? data_offset(record->message) : 32;
	mach_msg_header_t *message;
	mach_msg_descriptor_t d;

	if (record->message->msgh_size < at + sizeof d)
		return;
	message = copy_of(record);
	memset(&d, 0, sizeof d);
	d.port = (mach_msg_port_descriptor_t){
		.name = 1, .disposition = MACH_MSG_TYPE_PORT_SEND, .type = MACH_MSG_PORT_DESCRIPTOR};
	message->msgh_bits |= MACH_MSGH_BITS_COMPLEX;
	*body_of(message) = (mach_msg_body_t){count + 1, 0};
	memcpy((char *)message + at, &d, sizeof d);
	must_be_refused(message, record, server, "a descriptor for data", at, 0);
	free(message);
}

/* Whether the golden declaration leaves open which right comes. */
static bool takes_any(const char *name, uint8_t disposition)
{
	return strcmp(name, "in_poly") == 0 ||
	       (strcmp(name, "any_send") == 0 && disposition != MACH_MSG_TYPE_PORT_RECEIVE);
}

/* Every kind of descriptor in the place of each, one too many, one too few. */
static void damage_descriptors(const struct record *record, mach_port_t server)
{
	static const uint8_t dispositions[] = {
		MACH_MSG_TYPE_PORT_SEND, MACH_MSG_TYPE_PORT_SEND_ONCE, MACH_MSG_TYPE_PORT_RECEIVE};
	const char *name = golden_subsystem.routine[record->message->msgh_id - golden_subsystem.start].name;
	const uint32_t count = descriptor_count(record->message);

	for (uint32_t at = 0; at <= count; at++) {
		for (unsigned kind = 0; kind < 3 * 3 + 5; kind++) {
			mach_msg_header_t *message = copy_of(record);
			const mach_msg_descriptor_t *was = &descriptors_of(record->message)[at];
			mach_msg_descriptor_t d;
			bool same;

			memset(&d, 0, sizeof d);
			if (kind < 9) {
				/* A right; none, one or two of them out of line. */
				d.port.type = kind < 3 ? MACH_MSG_PORT_DESCRIPTOR : MACH_MSG_OOL_PORTS_DESCRIPTOR;
				d.port.disposition = dispositions[kind % 3];
				if (kind < 3)
					d.port.name = 1;
				else
					d.ool_ports.count = kind < 6 ? 2 : kind % 3;
			} else {
				static const mach_msg_size_t sizes[] = {0, 1, 8, 32, 33};

				d.out_of_line.type = MACH_MSG_OOL_DESCRIPTOR;
				d.out_of_line.size = sizes[kind - 9];
			}
			if (at == count || kind == 0) {
				/* One more. */
				mach_msg_header_t *more = copy_of(record);

				if (!is_complex(more)) {
					memmove((char *)more + 32, (char *)more + 24, more->msgh_size - 24);
					*body_of(more) = (mach_msg_body_t){0};
					more->msgh_bits |= MACH_MSGH_BITS_COMPLEX;
					more->msgh_size += 8;
				}
				insert_descriptor(more, at, d);
				must_be_refused(more, record, server, "a descriptor too many", at, kind);
				free(more);
			}
			if (at == count) {
				free(message);
				continue;
			}
			descriptors_of(message)[at] = d;
			same = d.type.type == was->type.type &&
			       (kind < 9 ? d.port.disposition == was->port.disposition : true);
			if (same || (kind < 3 && takes_any(name, d.port.disposition)))
				(void)send_damaged(message, record, server, "other content", at, kind);
			else
				must_be_refused(message, record, server, "another descriptor", at, kind);
			free(message);
		}
		if (at < count) {
			mach_msg_header_t *message = copy_of(record);

			remove_descriptor(message, at);
			must_be_refused(message, record, server, "a descriptor too few", at, 0);
			free(message);
			message = copy_of(record);
			if (descriptors_of(message)[at].type.type == MACH_MSG_PORT_DESCRIPTOR) {
				descriptors_of(message)[at].port.name = MACH_PORT_NULL;
				(void)send_damaged(message, record, server, "no right", at, 0);
			}
			free(message);
		}
	}
	if (count != 0) {
		mach_msg_header_t *message = copy_of(record);

		message->msgh_bits &= ~MACH_MSGH_BITS_COMPLEX;
		must_be_refused(message, record, server, "not complex", 0, 0);
		free(message);
	}
}

unsigned damage_all(mach_port_t server)
{
	for (unsigned i = 0; i < recorded_count; i++) {
		damage_size(&recorded[i], server);
		damage_data(&recorded[i], server);
		damage_strings(&recorded[i], server);
		damage_counts(&recorded[i], server);
		damage_descriptors(&recorded[i], server);
		damage_overlaid(&recorded[i], server);
		free(recorded[i].message);
	}
	printf("%s mig damaged requests: %u of %u kinds, %u sent, %u refused\n",
		failures == 0 && recorded_count >= 55 && refused > 1000 ? "PASS" : "FAIL", recorded_count, RECORDS,
		sent, refused);
	return failures;
}
