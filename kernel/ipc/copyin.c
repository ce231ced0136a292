/*
 * The rights and memory of any message that a task sends, whose bytes are in the kernel already.
 *
 * The order makes the trap restartable: first snapshots of out-of-line memory (a missing page restarts the trap, with
 * nothing taken), then, under one hold of the space's lock, all rights, which touches no user memory: they are reserved
 * first, and if one cannot be had none is taken. Out-of-line ranges that the sender gives away are unmapped last. The
 * last such range is moved at once rather than copied and unmapped, so that its pages can change hands; the rights have
 * been checked before that.
 */
#include <ipc/ipc_internal.h>
#include <kern/checked.h>
#include <kern/piece.h>
#include <kern/trap.h>
#include <string.h>
#include <stubs/mach_server.h>

#define RIGHT_COST    500 /* instructions for one of many, about (kern/piece.h) */
#define OOL_PORTS_MAX 16384u

/* --- Rights. */

/* One of the body's: the sender's name, and where it goes. */
struct right {
	unsigned descriptor; /* where to look next: the descriptor, and the place in it */
	uint32_t place;
	mach_port_name_t name;
	mach_msg_type_name_t disposition;
	struct ipc_port **port;
	bool *dead; /* null: a dead name in an array arrives as a null one */
};

/* The first or next right of the body. */
static inline __attribute__((always_inline)) bool next_right(struct ipc_kmsg *kmsg, struct right *right)
{
	for (; right->descriptor < kmsg->descriptors; right->descriptor++, right->place = 0) {
		mach_msg_descriptor_t *descriptor = ipc_kmsg_descriptor(kmsg, right->descriptor);
		struct ipc_carry *carry = &kmsg->carry[right->descriptor];

		if (carry->type == MACH_MSG_PORT_DESCRIPTOR && right->place == 0) {
			right->name = descriptor->port.name;
			right->disposition = descriptor->port.disposition;
			right->port = &carry->port;
			right->dead = &carry->dead;
		} else if (carry->type == MACH_MSG_OOL_PORTS_DESCRIPTOR && right->place < carry->count) {
			piece_spend(RIGHT_COST);
			right->name = carry->names[right->place];
			right->disposition = descriptor->ool_ports.disposition;
			right->port = &carry->ports[right->place];
			right->dead = NULL;
		} else {
			continue;
		}
		right->place++;
		return true;
	}
	return false;
}

/* The first `count` reservations in the body are let go. */
static void unreserve_body(struct ipc_space *space, struct ipc_kmsg *kmsg, unsigned count)
{
	struct right right = {0};

	while (count-- > 0 && next_right(kmsg, &right)) {
		if (right.disposition == MACH_MSG_TYPE_MOVE_RECEIVE && *right.port != NULL)
			ipc_port_settle(*right.port);
		ipc_right_unreserve(space, right.name, right.disposition, right.port);
	}
}

static inline bool reserve_body(struct ipc_space *space, struct ipc_kmsg *kmsg)
{
	struct right right = {0};
	unsigned count = 0;
	bool dead;

	while (next_right(kmsg, &right)) {
		if (ipc_right_reserve(space, right.name, right.disposition, right.port,
			    right.dead != NULL ? right.dead : &dead) != KERN_SUCCESS) {
			unreserve_body(space, kmsg, count);
			return false;
		}
		count++;
		if (right.disposition == MACH_MSG_TYPE_MOVE_RECEIVE && *right.port != NULL &&
			!ipc_port_in_transit(*right.port, kmsg->remote_port)) {
			unreserve_body(space, kmsg, count);
			return false;
		}
	}
	return true;
}

static inline void take_body(struct ipc_space *space, struct ipc_kmsg *kmsg)
{
	struct right right = {0};

	while (next_right(kmsg, &right))
		ipc_right_take(space, right.name, right.disposition, *right.port);
}

bool ipc_kmsg_rights_in(struct ipc_space *space, struct ipc_kmsg *kmsg)
{
	if (!reserve_body(space, kmsg))
		return false;
	take_body(space, kmsg);
	return true;
}

static void unreserve_header(struct ipc_space *space, struct ipc_kmsg *kmsg)
{
	const mach_msg_header_t *header = &kmsg->header;
	mach_msg_type_name_t local = MACH_MSGH_BITS_LOCAL(header->msgh_bits);

	ipc_right_unreserve(
		space, header->msgh_remote_port, MACH_MSGH_BITS_REMOTE(header->msgh_bits), &kmsg->remote_port);
	if (local != 0)
		ipc_right_unreserve(space, header->msgh_local_port, local, &kmsg->local_port);
}

/* The header's rights: MACH_MSG_SUCCESS, or nothing is reserved. */
static mach_msg_return_t reserve_header(struct ipc_space *space, struct ipc_kmsg *kmsg)
{
	const mach_msg_header_t *header = &kmsg->header;
	mach_msg_type_name_t remote = MACH_MSGH_BITS_REMOTE(header->msgh_bits);
	mach_msg_type_name_t local = MACH_MSGH_BITS_LOCAL(header->msgh_bits);
	bool dead, local_dead;

	if (ipc_right_reserve(space, header->msgh_remote_port, remote, &kmsg->remote_port, &dead) != KERN_SUCCESS)
		return MACH_SEND_INVALID_DEST;
	if (!dead && (local == 0 || ipc_right_reserve(space, header->msgh_local_port, local, &kmsg->local_port,
					    &local_dead) == KERN_SUCCESS))
		return MACH_MSG_SUCCESS;
	ipc_right_unreserve(space, header->msgh_remote_port, remote, &kmsg->remote_port);
	return dead ? MACH_SEND_INVALID_DEST : MACH_SEND_INVALID_REPLY;
}

/* Takes all rights, or none; or only checks whether they can be taken. */
static mach_msg_return_t take_rights(struct ipc_space *space, struct ipc_kmsg *kmsg, bool check_only)
{
	const mach_msg_header_t *header = &kmsg->header;
	mach_msg_type_name_t local = MACH_MSGH_BITS_LOCAL(header->msgh_bits);
	mach_msg_return_t result = MACH_SEND_INVALID_DEST;

	lock_acquire(&space->lock);
	if (space->active)
		result = reserve_header(space, kmsg);
	if (result == MACH_MSG_SUCCESS && kmsg->rights && !reserve_body(space, kmsg)) {
		unreserve_header(space, kmsg);
		result = MACH_SEND_INVALID_RIGHT;
	}
	if (result == MACH_MSG_SUCCESS && check_only) {
		if (kmsg->rights)
			unreserve_body(space, kmsg, UINT32_MAX);
		unreserve_header(space, kmsg);
	} else if (result == MACH_MSG_SUCCESS) {
		ipc_right_take(
			space, header->msgh_remote_port, MACH_MSGH_BITS_REMOTE(header->msgh_bits), kmsg->remote_port);
		if (local != 0)
			ipc_right_take(space, header->msgh_local_port, local, kmsg->local_port);
		if (kmsg->rights)
			take_body(space, kmsg);
	}
	lock_release(&space->lock);
	deferred_run();
	return result;
}

/* --- Memory. */

static mach_msg_return_t take_names(struct ipc_carry *carry, const mach_msg_ool_ports_descriptor_t *descriptor)
{
	kern_return_t result;

	carry->count = descriptor->count;
	carry->deallocate = descriptor->deallocate;
	if (descriptor->count > OOL_PORTS_MAX)
		return MACH_SEND_TOO_LARGE;
	if (descriptor->count == 0)
		return MACH_MSG_SUCCESS;
	carry->account = current_account();
	carry->ports = kalloc(carry->account, carry->count * sizeof(*carry->ports));
	carry->names = kalloc(carry->account, carry->count * sizeof(*carry->names));
	if (carry->ports != NULL)
		memset(carry->ports, 0, carry->count * sizeof(*carry->ports));
	if (carry->ports == NULL || carry->names == NULL)
		return MACH_SEND_NO_BUFFER;
	result = copyin(
		(vm_address_t)(uintptr_t)descriptor->address, carry->names, carry->count * sizeof(*carry->names));
	if (result != KERN_SUCCESS)
		return result == KERN_RESTART ? KERN_RESTART : MACH_SEND_INVALID_MEMORY;
	return MACH_MSG_SUCCESS;
}

static mach_msg_return_t take_memory(
	struct vm_map *map, struct ipc_carry *carry, const mach_msg_ool_descriptor_t *descriptor, bool move)
{
	kern_return_t result;

	carry->size = descriptor->size;
	carry->deallocate = descriptor->deallocate && !move;
	if (descriptor->size == 0)
		return MACH_MSG_SUCCESS;
	result = vm_map_copyin(map, (vm_address_t)(uintptr_t)descriptor->address, descriptor->size,
		descriptor->deallocate && move, &carry->copy);
	if (result == KERN_SUCCESS)
		return MACH_MSG_SUCCESS;
	carry->copy = NULL;
	if (result == KERN_RESTART)
		return KERN_RESTART;
	return result == KERN_RESOURCE_SHORTAGE ? MACH_SEND_NO_BUFFER : MACH_SEND_INVALID_MEMORY;
}

/* Types and dispositions of the descriptors, and the names of port arrays; *last_memory: the last range, or -1. */
static mach_msg_return_t read_descriptors(struct ipc_kmsg *kmsg, int *last_memory)
{
	for (unsigned i = 0; i < kmsg->descriptors; i++) {
		mach_msg_descriptor_t *descriptor = ipc_kmsg_descriptor(kmsg, i);
		struct ipc_carry *carry = &kmsg->carry[i];
		mach_msg_return_t result;

		carry->type = descriptor->type.type;
		switch (carry->type) {
		case MACH_MSG_PORT_DESCRIPTOR:
			carry->disposition = ipc_received_as(descriptor->port.disposition);
			kmsg->rights = true;
			continue;
		case MACH_MSG_OOL_DESCRIPTOR:
			kmsg->memory = true;
			*last_memory = (int)i;
			continue;
		case MACH_MSG_OOL_PORTS_DESCRIPTOR:
			kmsg->rights = kmsg->memory = true;
			carry->disposition = ipc_received_as(descriptor->ool_ports.disposition);
			result = take_names(carry, &descriptor->ool_ports);
			if (result != MACH_MSG_SUCCESS)
				return result;
			continue;
		}
		return MACH_SEND_INVALID_TYPE;
	}
	return MACH_MSG_SUCCESS;
}

static mach_msg_return_t take_all_memory(struct thread *self, struct ipc_kmsg *kmsg, int last_memory)
{
	for (int i = 0; i <= last_memory; i++) {
		mach_msg_return_t result;

		if (kmsg->carry[i].type != MACH_MSG_OOL_DESCRIPTOR)
			continue;
		result = take_memory(self->task->map, &kmsg->carry[i],
			&ipc_kmsg_descriptor(kmsg, (unsigned)i)->out_of_line, i == last_memory);
		if (result != MACH_MSG_SUCCESS)
			return result;
	}
	return MACH_MSG_SUCCESS;
}

void ipc_kmsg_settle(struct thread *self, struct ipc_kmsg *kmsg)
{
	for (unsigned i = 0; i < kmsg->descriptors; i++) {
		mach_msg_descriptor_t *descriptor = ipc_kmsg_descriptor(kmsg, i);
		struct ipc_carry *carry = &kmsg->carry[i];
		uint64_t bytes =
			carry->type == MACH_MSG_OOL_DESCRIPTOR ? carry->size : carry->count * sizeof(mach_port_name_t);

		if (carry->type == MACH_MSG_PORT_DESCRIPTOR) {
			descriptor->port.disposition = carry->disposition;
			continue;
		}
		if (carry->type == MACH_MSG_OOL_PORTS_DESCRIPTOR)
			descriptor->ool_ports.disposition = carry->disposition;
		/* Without its pauses: the send is not made again. */
		while (carry->deallocate && bytes != 0 &&
			vm_deallocate(self->task->map, (vm_address_t)(uintptr_t)descriptor->out_of_line.address,
				bytes) == KERN_RESTART)
			;
		if (carry->type == MACH_MSG_OOL_PORTS_DESCRIPTOR) {
			kfree(carry->account, carry->names, carry->count * sizeof(*carry->names));
			carry->names = NULL;
		}
	}
}

static bool header_valid(const mach_msg_header_t *header)
{
	mach_msg_type_name_t remote = MACH_MSGH_BITS_REMOTE(header->msgh_bits);
	mach_msg_type_name_t local = MACH_MSGH_BITS_LOCAL(header->msgh_bits);

	if (!MACH_MSG_TYPE_PORT_ANY(remote) || remote == MACH_MSG_TYPE_MOVE_RECEIVE)
		return false;
	/* Without a disposition the local name means nothing: often it is left from a message received. */
	return local == 0 || (MACH_MSG_TYPE_PORT_ANY(local) && local != MACH_MSG_TYPE_MOVE_RECEIVE);
}

/* What comes before anything that may be wrong with the body: the header's form, and then a full queue. */
static mach_msg_return_t look_at_header(struct ipc_space *space, const mach_msg_header_t *header)
{
	struct ipc_entry *entry;
	bool full;

	if (!header_valid(header))
		return MACH_SEND_INVALID_HEADER;
	if (!MACH_PORT_VALID(header->msgh_remote_port))
		return MACH_SEND_INVALID_DEST;
	lock_acquire(&space->lock);
	entry = ipc_entry_lookup(space, header->msgh_remote_port);
	full = entry != NULL && (ipc_entry_type(entry) & MACH_PORT_TYPE_SEND_RECEIVE) &&
	       ipc_mqueue_full(ipc_object_port(entry->object));
	lock_release(&space->lock);
	return full ? IPC_SEND_FULL : MACH_MSG_SUCCESS;
}

static bool ports_only(struct ipc_kmsg *kmsg)
{
	for (unsigned i = 0; i < kmsg->descriptors; i++)
		if (ipc_kmsg_descriptor(kmsg, i)->type.type != MACH_MSG_PORT_DESCRIPTOR)
			return false;
	return true;
}

mach_msg_return_t ipc_kmsg_read_body(struct thread *self, struct ipc_kmsg *kmsg)
{
	int last_memory = -1;
	mach_msg_return_t result = MACH_MSG_SUCCESS;

	if (!ports_only(kmsg))
		result = look_at_header(self->space, &kmsg->header);
	if (result == MACH_MSG_SUCCESS)
		result = read_descriptors(kmsg, &last_memory);
	/* A sender with a bad right shall not lose the memory that it gives away. */
	if (result == MACH_MSG_SUCCESS && last_memory >= 0)
		result = take_rights(self->space, kmsg, true);
	if (result == MACH_MSG_SUCCESS)
		result = take_all_memory(self, kmsg, last_memory);
	return result;
}

mach_msg_return_t ipc_kmsg_take_all(struct thread *self, struct ipc_kmsg *kmsg)
{
	mach_msg_bits_t bits = kmsg->header.msgh_bits;
	mach_msg_return_t result = look_at_header(self->space, &kmsg->header);

	if (result == MACH_MSG_SUCCESS)
		result = take_rights(self->space, kmsg, false);
	if (result != MACH_MSG_SUCCESS)
		return result;
	kmsg->remote_disposition = ipc_received_as(MACH_MSGH_BITS_REMOTE(bits));
	kmsg->local_disposition = kmsg->local_port != NULL ? ipc_received_as(MACH_MSGH_BITS_LOCAL(bits)) : 0;
	lock_acquire(&kmsg->remote_port->object.lock);
	return MACH_MSG_SUCCESS;
}
