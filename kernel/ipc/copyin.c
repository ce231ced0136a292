/*
 * A message from a task into the kernel.
 *
 * The order makes the trap restartable: first all bytes (a missing page restarts the trap, with nothing taken), then
 * snapshots of out-of-line memory (the same), then, under one hold of the space's lock, all rights, which touches no
 * user memory; if one cannot be had those taken go back. Out-of-line ranges that the sender gives away are unmapped
 * last. The last such range is moved at once rather than copied and unmapped, so that its pages can change hands; the
 * rights have been checked before that.
 */
#include <ipc/ipc_internal.h>
#include <kern/checked.h>
#include <kern/kalloc.h>
#include <kern/piece.h>
#include <kern/trap.h>
#include <string.h>
#include <stubs/mach_server.h>

#define RIGHT_COST    500 /* instructions for one of many, about (kern/piece.h) */
#define OOL_PORTS_MAX 16384u

/* --- Rights: taken from the header on, put back from the last one on. */

struct walk {
	struct ipc_space *space;
	struct ipc_kmsg *kmsg;
	unsigned taken; /* so many have been */
};

/* One right. False ends the walk. */
static bool take_right(
	struct walk *walk, mach_port_name_t name, mach_msg_type_name_t disposition, struct ipc_port **slot, bool *dead)
{
	if (ipc_right_copyin(walk->space, name, disposition, slot, dead) != KERN_SUCCESS)
		return false;
	walk->taken++;
	if (disposition == MACH_MSG_TYPE_MOVE_RECEIVE && *slot != NULL)
		return ipc_port_in_transit(*slot, walk->kmsg->remote_port);
	return true;
}

/* The header's two. */
static mach_msg_return_t take_header(struct walk *walk)
{
	mach_msg_header_t *header = &walk->kmsg->header;
	mach_msg_type_name_t remote = MACH_MSGH_BITS_REMOTE(header->msgh_bits);
	mach_msg_type_name_t local = MACH_MSGH_BITS_LOCAL(header->msgh_bits);
	bool dead = false;

	if (!take_right(walk, header->msgh_remote_port, remote, &walk->kmsg->remote_port, &dead) || dead)
		return MACH_SEND_INVALID_DEST;
	if (local != 0 && !take_right(walk, header->msgh_local_port, local, &walk->kmsg->local_port, &dead))
		return MACH_SEND_INVALID_REPLY;
	return MACH_MSG_SUCCESS;
}

/* The rights of the body. False if one could not be had. */
static bool take_body(struct walk *walk)
{
	for (unsigned i = 0; i < walk->kmsg->descriptors; i++) {
		mach_msg_descriptor_t *descriptor = ipc_kmsg_descriptor(walk->kmsg, i);
		struct ipc_carry *carry = &walk->kmsg->carry[i];
		bool dead;

		if (carry->type == MACH_MSG_PORT_DESCRIPTOR) {
			if (!take_right(walk, descriptor->port.name, descriptor->port.disposition, &carry->port,
				    &carry->dead))
				return false;
		} else if (carry->type == MACH_MSG_OOL_PORTS_DESCRIPTOR) {
			for (uint32_t k = 0; k < carry->count; k++) {
				piece_spend(RIGHT_COST);
				/* A dead name in an array arrives as a null one. */
				if (!take_right(walk, carry->names[k], descriptor->ool_ports.disposition,
					    &carry->ports[k], &dead))
					return false;
			}
		}
	}
	return true;
}

/* Right number `number` goes back, if it was taken. */
static void restore_right(struct walk *walk, unsigned number, mach_port_name_t name, mach_msg_type_name_t disposition,
	struct ipc_port **slot)
{
	if (number >= walk->taken)
		return;
	if (disposition == MACH_MSG_TYPE_MOVE_RECEIVE && *slot != NULL)
		ipc_port_settle(*slot);
	ipc_right_restore(walk->space, name, disposition, *slot);
	*slot = NULL;
}

/* The last first: so the name that goes back is the one that was freed last. */
static void restore_rights(struct walk *walk)
{
	struct ipc_kmsg *kmsg = walk->kmsg;
	mach_msg_type_name_t local = MACH_MSGH_BITS_LOCAL(kmsg->header.msgh_bits);
	unsigned number = local != 0 ? 2 : 1;

	for (unsigned i = 0; i < kmsg->descriptors; i++)
		number += kmsg->carry[i].type == MACH_MSG_PORT_DESCRIPTOR ? 1 : kmsg->carry[i].count;
	for (unsigned i = kmsg->descriptors; i-- > 0;) {
		mach_msg_descriptor_t *descriptor = ipc_kmsg_descriptor(kmsg, i);
		struct ipc_carry *carry = &kmsg->carry[i];

		if (carry->type == MACH_MSG_PORT_DESCRIPTOR)
			restore_right(
				walk, --number, descriptor->port.name, descriptor->port.disposition, &carry->port);
		for (uint32_t k = carry->count; k-- > 0;) {
			piece_spend(RIGHT_COST);
			restore_right(
				walk, --number, carry->names[k], descriptor->ool_ports.disposition, &carry->ports[k]);
		}
	}
	if (local != 0)
		restore_right(walk, --number, kmsg->header.msgh_local_port, local, &kmsg->local_port);
	restore_right(walk, --number, kmsg->header.msgh_remote_port, MACH_MSGH_BITS_REMOTE(kmsg->header.msgh_bits),
		&kmsg->remote_port);
}

/* The receive rights among those taken have left the space for good. */
static void clear_receivers(struct ipc_kmsg *kmsg)
{
	for (unsigned i = 0; i < kmsg->descriptors; i++) {
		struct ipc_carry *carry = &kmsg->carry[i];

		if (carry->disposition != MACH_MSG_TYPE_PORT_RECEIVE)
			continue;
		for (uint32_t k = 0; k < (carry->ports != NULL ? carry->count : 1); k++) {
			struct ipc_port *port = carry->ports != NULL ? carry->ports[k] : carry->port;

			if (port == NULL)
				continue;
			piece_spend(RIGHT_COST);
			lock_acquire(&port->object.lock);
			ipc_port_clear_receiver(port);
			lock_release(&port->object.lock);
		}
	}
}

/*
 * Takes all rights, or checks whether they can be taken. What was taken and shall not be goes back before anybody else
 * sees it gone, and everything about it is as it was: names, counts, requests for notifications.
 */
static mach_msg_return_t take_rights(struct ipc_space *space, struct ipc_kmsg *kmsg, bool check_only)
{
	struct walk walk = {.space = space, .kmsg = kmsg};
	mach_msg_return_t result = MACH_SEND_INVALID_DEST;

	lock_acquire(&space->lock);
	if (space->active) {
		ipc_right_hold_requests(space);
		result = take_header(&walk);
		if (result == MACH_MSG_SUCCESS && kmsg->descriptors != 0 && !take_body(&walk))
			result = MACH_SEND_INVALID_RIGHT;
		if (result != MACH_MSG_SUCCESS || check_only)
			restore_rights(&walk);
		else
			clear_receivers(kmsg);
		ipc_right_settle_requests(space, result == MACH_MSG_SUCCESS && !check_only);
	}
	lock_release(&space->lock);
	ipc_deferred_run();
	return result;
}

/*
 * The header's rights of the two commonest messages, in one look: a request by a send right with or without a right to
 * reply made, and a reply by a send-once right. False, with nothing taken: anything else about them, also a full queue,
 * is for the walk to find out.
 */
static bool take_common_header(struct ipc_space *space, struct ipc_kmsg *kmsg)
{
	mach_msg_header_t *header = &kmsg->header;
	mach_msg_type_name_t remote = MACH_MSGH_BITS_REMOTE(header->msgh_bits);
	mach_msg_type_name_t local = MACH_MSGH_BITS_LOCAL(header->msgh_bits);
	struct ipc_entry *to, *reply = NULL;
	struct ipc_port *port;
	bool taken = false;

	if (local != 0 && local != MACH_MSG_TYPE_MAKE_SEND_ONCE)
		return false;
	lock_acquire(&space->lock);
	to = ipc_entry_lookup(space, header->msgh_remote_port);
	if (to == NULL || !space->active)
		goto out;
	if (local != 0) {
		reply = ipc_entry_lookup(space, header->msgh_local_port);
		if (reply == NULL || !(ipc_entry_type(reply) & MACH_PORT_TYPE_RECEIVE))
			goto out;
	}
	port = ipc_object_port(to->object);
	if (remote == MACH_MSG_TYPE_COPY_SEND && (ipc_entry_type(to) & MACH_PORT_TYPE_SEND)) {
		lock_acquire(&port->object.lock);
		taken = port->object.active && !ipc_mqueue_full(port);
		if (taken) {
			port->srights++;
			ipc_object_reference(&port->object);
		}
		lock_release(&port->object.lock);
	} else if (remote == MACH_MSG_TYPE_MOVE_SEND_ONCE && ipc_entry_type(to) == MACH_PORT_TYPE_SEND_ONCE &&
		   to->request == NULL && ipc_port_active(port)) {
		to->object = NULL;
		ipc_entry_free(space, header->msgh_remote_port, to);
		taken = true;
	}
	if (taken) {
		kmsg->remote_port = port;
		if (reply != NULL)
			kmsg->local_port = ipc_port_make_send_once(ipc_object_port(reply->object));
	}
out:
	lock_release(&space->lock);
	return taken;
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

/*
 * Types and dispositions of the descriptors, and the names of port arrays; *last_memory: the last out-of-line range, or
 * -1.
 */
static mach_msg_return_t read_descriptors(struct ipc_kmsg *kmsg, int *last_memory)
{
	*last_memory = -1;
	for (unsigned i = 0; i < kmsg->descriptors; i++) {
		mach_msg_descriptor_t *descriptor = ipc_kmsg_descriptor(kmsg, i);
		struct ipc_carry *carry = &kmsg->carry[i];
		mach_msg_return_t result = MACH_MSG_SUCCESS;

		carry->type = descriptor->type.type;
		switch (carry->type) {
		case MACH_MSG_PORT_DESCRIPTOR:
			carry->disposition = ipc_received_as(descriptor->port.disposition);
			break;
		case MACH_MSG_OOL_DESCRIPTOR:
			*last_memory = (int)i;
			break;
		case MACH_MSG_OOL_PORTS_DESCRIPTOR:
			carry->disposition = ipc_received_as(descriptor->ool_ports.disposition);
			result = take_names(carry, &descriptor->ool_ports);
			break;
		default:
			result = MACH_SEND_INVALID_TYPE;
		}
		if (result != MACH_MSG_SUCCESS)
			return result;
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

/* The send is certain: ranges given away leave the sender's map, and the image says what the receiver gets. */
static void settle_descriptors(struct thread *self, struct ipc_kmsg *kmsg)
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
		if (carry->names != NULL) {
			kfree(carry->account, carry->names, carry->count * sizeof(*carry->names));
			carry->names = NULL;
		}
	}
}

/* --- The message. */

/* Where every message begins. */
struct start {
	mach_msg_header_t header;
	mach_msg_body_t body;
};

/* The beginning of the message at the address, its descriptor count, and whether its sizes make sense. */
static mach_msg_return_t read_start(
	vm_address_t address, mach_msg_size_t size, struct start *start, unsigned *descriptors)
{
	kern_return_t result;

	if (size < sizeof(mach_msg_header_t))
		return MACH_SEND_MSG_TOO_SMALL;
	if (size > MACH_MSG_SIZE_MAX)
		return MACH_SEND_TOO_LARGE;
	if (size % 4 != 0)
		return MACH_SEND_INVALID_HEADER;
	result = copyin(address, start, size < sizeof(*start) ? sizeof(start->header) : sizeof(*start));
	if (result != KERN_SUCCESS)
		return result == KERN_RESTART ? KERN_RESTART : MACH_SEND_INVALID_DATA;
	*descriptors = 0;
	if (start->header.msgh_bits & MACH_MSGH_BITS_COMPLEX) {
		if (size < sizeof(*start))
			return MACH_SEND_MSG_TOO_SMALL;
		*descriptors = start->body.msgh_descriptor_count;
		if (*descriptors > MACH_MSG_DESCRIPTORS_MAX)
			return MACH_SEND_TOO_LARGE;
		if (size < sizeof(*start) + *descriptors * sizeof(mach_msg_descriptor_t))
			return MACH_SEND_MSG_TOO_SMALL;
	}
	return MACH_MSG_SUCCESS;
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

/* Memory and rights of any message whose bytes are here. */
static mach_msg_return_t take_all(struct thread *self, struct ipc_kmsg *kmsg)
{
	mach_msg_return_t result;
	int last_memory;

	if (ipc_send_room(self, kmsg->header.msgh_remote_port) != MACH_MSG_SUCCESS)
		return IPC_SEND_FULL;
	result = read_descriptors(kmsg, &last_memory);
	if (result == MACH_MSG_SUCCESS && last_memory >= 0) {
		/* A sender with a bad right shall not lose the memory that it gives away. */
		result = take_rights(self->task->space, kmsg, true);
		if (result == MACH_MSG_SUCCESS)
			result = take_all_memory(self, kmsg, last_memory);
	}
	if (result == MACH_MSG_SUCCESS)
		result = take_rights(self->task->space, kmsg, false);
	if (result == MACH_MSG_SUCCESS)
		settle_descriptors(self, kmsg);
	return result;
}

mach_msg_return_t ipc_kmsg_copyin(
	struct thread *self, vm_address_t address, mach_msg_size_t size, struct ipc_kmsg **out)
{
	struct start start;
	mach_msg_header_t *header = &start.header;
	mach_msg_size_t read = size < sizeof(start) ? sizeof(start.header) : sizeof(start);
	struct ipc_kmsg *kmsg;
	unsigned descriptors;
	mach_msg_return_t result = read_start(address, size, &start, &descriptors);
	kern_return_t copied = KERN_SUCCESS;

	if (result != MACH_MSG_SUCCESS)
		return result;
	if (!header_valid(header))
		return MACH_SEND_INVALID_HEADER;
	if (!MACH_PORT_VALID(header->msgh_remote_port))
		return MACH_SEND_INVALID_DEST;
	kmsg = ipc_kmsg_alloc_slots(self->task->account, size, descriptors, descriptors);
	if (kmsg == NULL)
		return MACH_SEND_NO_BUFFER;
	ipc_kmsg_sent_by(kmsg, self->task);
	/* Nothing is read twice: what was checked is what counts. */
	memcpy(&kmsg->header, &start, read);
	kmsg->header.msgh_size = size;
	if (size > read)
		copied = copyin(address + read, (char *)&kmsg->header + read, size - read);
	if (copied != KERN_SUCCESS)
		result = copied == KERN_RESTART ? KERN_RESTART : MACH_SEND_INVALID_DATA;
	else if (descriptors != 0 || !take_common_header(self->task->space, kmsg))
		result = take_all(self, kmsg);
	if (result != MACH_MSG_SUCCESS) {
		ipc_kmsg_destroy(kmsg);
		return result;
	}
	kmsg->remote_disposition = ipc_received_as(MACH_MSGH_BITS_REMOTE(header->msgh_bits));
	kmsg->local_disposition =
		kmsg->local_port != NULL ? ipc_received_as(MACH_MSGH_BITS_LOCAL(header->msgh_bits)) : 0;
	count_events(bytes_copied, size);
	*out = kmsg;
	return MACH_MSG_SUCCESS;
}
