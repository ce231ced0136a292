/* What random arguments consist of: elements, rights, memory, strings; written, looked at, given back. */
#include "values.h"

static mach_port_t new_right(unsigned sent_as)
{
	switch (sent_as) {
	case MACH_MSG_TYPE_COPY_SEND:
		return known_right;
	case MACH_MSG_TYPE_MOVE_SEND:
		return lb_send_right(known_port);
#ifdef ON_HOST
	case MACH_MSG_TYPE_MOVE_SEND_ONCE:
		return lb_send_once_right(known_port);
	case MACH_MSG_TYPE_MOVE_RECEIVE:
		return lb_port(NULL, 0);
#endif
	default:
		return known_port;
	}
}

static bool is_moved(unsigned sent_as)
{
	return sent_as == MACH_MSG_TYPE_MOVE_SEND || sent_as == MACH_MSG_TYPE_MOVE_SEND_ONCE ||
	       sent_as == MACH_MSG_TYPE_MOVE_RECEIVE;
}

static void check_right(mach_port_t name, unsigned sent_as, bool null, unsigned routine, unsigned argument)
{
	static const int rights[] = {MACH_PORT_RIGHT_RECEIVE, MACH_PORT_RIGHT_SEND, MACH_PORT_RIGHT_SEND_ONCE};

	if (null) {
		expect(name == MACH_PORT_NULL, routine, argument, "a right where there was none");
		return;
	}
	expect(lb_object(name) != 0, routine, argument, "no right");
	if (lb_object(name) == 0)
		return;
	expect(lb_right(name) == rights[received_as(sent_as) - MACH_MSG_TYPE_PORT_RECEIVE], routine, argument,
		"another kind of right");
	if (sent_as != MACH_MSG_TYPE_MOVE_RECEIVE)
		expect(lb_object(name) == lb_object(known_port), routine, argument, "other port");
}

void write_content(void *to, const struct layout *layout, unsigned count, unsigned sent_as, unsigned routine,
	unsigned argument, unsigned side)
{
	unsigned char *at = to;
	mach_port_t *name = to;

	memset(to, 0, (size_t)count * layout->size);
	for (unsigned i = 0; i < count * layout->rights; i++)
		name[i] = side == UNTOUCHED                     ? UNTOUCHED_NAME
			  : null_of(routine, argument, side, i) ? MACH_PORT_NULL
								: new_right(sent_as);
	for (unsigned i = 0; i < count; i++, at += layout->size) {
		for (unsigned s = 0; s < layout->spans; s++) {
			for (unsigned b = 0; b < layout->span[s][1]; b++) {
				const unsigned byte = layout->span[s][0] + b;

				at[byte] = (unsigned char)value(routine, argument, side, i * layout->size + byte);
			}
		}
	}
}

void check_content(const void *from, const struct layout *layout, unsigned count, unsigned sent_as, unsigned routine,
	unsigned argument, unsigned side)
{
	const unsigned char *at = from;
	const mach_port_t *name = from;
	bool same = true;

	for (unsigned i = 0; i < count * layout->rights; i++) {
		if (side == UNTOUCHED)
			same = same && name[i] == UNTOUCHED_NAME;
		else
			check_right(name[i], sent_as, null_of(routine, argument, side, i), routine, argument);
	}
	for (unsigned i = 0; i < count; i++, at += layout->size) {
		for (unsigned s = 0; s < layout->spans; s++) {
			for (unsigned b = 0; b < layout->span[s][1]; b++) {
				const unsigned byte = layout->span[s][0] + b;

				same = same && at[byte] == (unsigned char)value(
								   routine, argument, side, i * layout->size + byte);
			}
		}
	}
	expect(same, routine, argument, side == UNTOUCHED ? "touched" : "other bytes");
}

void release_content(const void *at, const struct layout *layout, unsigned count)
{
	const mach_port_t *name = at;

	for (unsigned i = 0; i < count * layout->rights; i++) {
		if (name[i] != MACH_PORT_NULL)
			lb_drop(name[i]);
	}
}

void unsend_content(const void *at, const struct layout *layout, unsigned count, unsigned sent_as, bool consumed)
{
	if (!consumed && is_moved(sent_as))
		release_content(at, layout, count);
}

void check_zero(const void *from, const struct layout *layout, unsigned count, unsigned routine, unsigned argument)
{
	const unsigned char *at = from;
	const mach_port_t *name = from;
	bool zero = true;

	for (unsigned i = 0; i < count * layout->rights; i++)
		zero = zero && name[i] == MACH_PORT_NULL;
	for (unsigned i = 0; i < count; i++, at += layout->size) {
		for (unsigned s = 0; s < layout->spans; s++) {
			for (unsigned b = 0; b < layout->span[s][1]; b++)
				zero = zero && at[layout->span[s][0] + b] == 0;
		}
	}
	expect(zero, routine, argument, "something where there is nothing");
}

/* --- Memory. */

static void *pointer_at(const void *pieces, unsigned index)
{
	void *pointer;

	memcpy(&pointer, (const char *)pieces + index * sizeof pointer, sizeof pointer);
	return pointer;
}

static unsigned elements(const mach_msg_type_number_t *counts, unsigned index, const struct memory *memory)
{
	return memory->fixed != 0 ? memory->fixed : counts[index];
}

/* The values of a piece are those of an argument of their own. */
static unsigned piece(unsigned argument, unsigned index)
{
	return argument + 100 * (index + 1);
}

void piece_counts(mach_msg_type_number_t *counts, unsigned pieces, const struct memory *memory, unsigned routine,
	unsigned argument, unsigned side)
{
	for (unsigned i = 0; i < pieces; i++)
		counts[i] = count_of(routine, piece(argument, i), side, memory->most);
}

void check_piece_counts(const mach_msg_type_number_t *counts, unsigned pieces, const struct memory *memory,
	unsigned routine, unsigned argument, unsigned side)
{
	for (unsigned i = 0; i < pieces; i++)
		expect(counts[i] == count_of(routine, piece(argument, i), side, memory->most), routine, argument,
			"other count of a piece");
}

static void *give(size_t size)
{
	vm_address_t address = 0;

	if (size != 0)
		mig_allocate(&address, size);
	return (void *)address;
}

void write_memory(void *pieces, const mach_msg_type_number_t *counts, unsigned n, const struct memory *memory,
	unsigned routine, unsigned argument, unsigned side)
{
	for (unsigned i = 0; i < n; i++) {
		const unsigned count = elements(counts, i, memory);
		const size_t size = (size_t)count * memory->layout->size;
		void *at = memory->moves ? give(size) : side == GOES_IN ? exactly(size) : lend(size);

		if (size != 0)
			write_content(at, memory->layout, count, memory->sent_as, routine, piece(argument, i), side);
		memcpy((char *)pieces + i * sizeof at, &at, sizeof at);
	}
}

void check_memory(const void *pieces, const mach_msg_type_number_t *counts, unsigned n, const struct memory *memory,
	unsigned routine, unsigned argument, unsigned side)
{
	for (unsigned i = 0; i < n; i++) {
		const unsigned count = elements(counts, i, memory);

		if (count != 0)
			check_content(pointer_at(pieces, i), memory->layout, count, memory->sent_as, routine,
				piece(argument, i), side);
	}
}

void release_memory(const void *pieces, const mach_msg_type_number_t *counts, unsigned n, const struct memory *memory,
	bool only_rights)
{
	for (unsigned i = 0; i < n; i++) {
		const unsigned count = elements(counts, i, memory);

		if (count == 0)
			continue;
		release_content(pointer_at(pieces, i), memory->layout, count);
		if (!only_rights)
			mig_deallocate((vm_address_t)pointer_at(pieces, i), (size_t)count * memory->layout->size);
	}
}

void unsend_memory(const void *pieces, const mach_msg_type_number_t *counts, unsigned n, const struct memory *memory,
	bool consumed)
{
	for (unsigned i = 0; i < n; i++) {
		const unsigned count = elements(counts, i, memory);
		void *at = pointer_at(pieces, i);

		if (consumed && memory->moves)
			continue;
		if (count != 0)
			unsend_content(at, memory->layout, count, memory->sent_as, consumed);
		if (!memory->moves)
			free(at);
		else if (count != 0)
			mig_deallocate((vm_address_t)at, (size_t)count * memory->layout->size);
	}
}

/* --- Strings. */

void write_string(char *to, unsigned size, unsigned routine, unsigned argument, unsigned side)
{
	const unsigned length = count_of(routine, argument, side, size - 1);

	for (unsigned i = 0; i < length; i++)
		to[i] = (char)('a' + value(routine, argument, side, i) % 26);
	to[length] = '\0';
}

void check_string(const char *at, unsigned size, unsigned routine, unsigned argument, unsigned side)
{
	char *wanted = malloc(size);

	write_string(wanted, size, routine, argument, side);
	expect(strcmp(wanted, at) == 0, routine, argument, side == UNTOUCHED ? "touched" : "another string");
	free(wanted);
}

void write_long_string(char *to, unsigned size)
{
	memset(to, 'x', size);
	to[size] = '\0';
}
