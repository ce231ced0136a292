/*
 * A message from the kernel into a task.
 *
 * Rights first, which cannot wait; then out-of-line memory, which may: the message then stays with the thread
 * (ipc_thread.taking) and goes on where it was, for what has arrived is no longer in its carries. The bytes come last.
 */
#include <ipc/ipc_internal.h>
#include <kern/piece.h>
#include <kern/trap.h>

/* What a right, an empty place for one, and a page of a buffer take, about (kern/piece.h). */
#define RIGHT_COST 400
#define NONE_COST  10
#define PAGE_COST  60
#define FAULT_COST 1500

/*
 * A right into the space, which is locked; without room for its name it is kept in *slot for release after unlocking,
 * *failed set, and the name is null.
 */
static mach_port_name_t right_out(
	struct ipc_space *space, struct ipc_port **slot, mach_msg_type_name_t disposition, bool *failed)
{
	mach_port_name_t name = MACH_PORT_NULL;

	if (*slot == NULL)
		return MACH_PORT_NULL;
	if (!space->active || ipc_right_copyout(space, *slot, disposition, MACH_PORT_NULL, &name) != KERN_SUCCESS) {
		*failed = true;
		return MACH_PORT_NULL;
	}
	*slot = NULL;
	return name;
}

/* Replaces an array of rights by its names, as memory to be mapped. False: not all of it. */
static bool names_out(struct ipc_space *space, struct ipc_carry *carry)
{
	uint64_t bytes = carry->count * sizeof(mach_port_name_t);
	mach_port_name_t *names = kalloc(space->account, bytes);
	bool failed = names == NULL;

	lock_acquire(&space->lock);
	for (uint32_t i = 0; names != NULL && i < carry->count; i++) {
		names[i] = right_out(space, &carry->ports[i], carry->disposition, &failed);
		piece_spend(RIGHT_COST);
	}
	lock_release(&space->lock);
	for (uint32_t i = 0; i < carry->count; i++) {
		ipc_port_release_right(carry->ports[i], carry->disposition);
		piece_spend(carry->ports[i] != NULL ? RIGHT_COST : NONE_COST);
	}
	kfree(carry->account, carry->ports, carry->count * sizeof(*carry->ports));
	carry->ports = NULL;
	if (names != NULL) {
		carry->copy = vm_map_copy_from_kernel(names, bytes);
		kfree(space->account, names, bytes);
	}
	return carry->copy != NULL && !failed;
}

void ipc_kmsg_rights_out(struct ipc_space *space, struct ipc_kmsg *kmsg)
{
	bool failed = false, header_failed = false;

	lock_acquire(&space->lock);
	kmsg->header.msgh_remote_port =
		right_out(space, &kmsg->local_port, kmsg->local_disposition, &header_failed);
	for (unsigned i = 0; i < kmsg->descriptors; i++) {
		struct ipc_carry *carry = &kmsg->carry[i];

		if (carry->type != MACH_MSG_PORT_DESCRIPTOR)
			continue;
		ipc_kmsg_descriptor(kmsg, i)->port = (mach_msg_port_descriptor_t){.type = MACH_MSG_PORT_DESCRIPTOR,
			.disposition = carry->disposition,
			.name = carry->dead ? MACH_PORT_DEAD
					    : right_out(space, &carry->port, carry->disposition, &failed)};
	}
	lock_release(&space->lock);
	if (header_failed) {
		ipc_port_release_right(kmsg->local_port, kmsg->local_disposition);
		kmsg->local_port = NULL;
	}
	for (unsigned i = 0; i < kmsg->descriptors; i++) {
		struct ipc_carry *carry = &kmsg->carry[i];

		if (carry->type == MACH_MSG_PORT_DESCRIPTOR && carry->port != NULL) { /* found no room */
			ipc_port_release_right(carry->port, carry->disposition);
			carry->port = NULL;
		} else if (carry->type == MACH_MSG_OOL_PORTS_DESCRIPTOR && carry->ports != NULL) {
			failed |= !names_out(space, carry);
		}
	}
	if (header_failed)
		kmsg->trouble = MACH_RCV_HEADER_ERROR;
	else if (failed)
		kmsg->trouble = MACH_RCV_BODY_ERROR;
}

/* Maps what a descriptor carries and writes its address. */
static mach_msg_return_t memory_out(struct thread *self, struct ipc_kmsg *kmsg, unsigned i)
{
	struct ipc_carry *carry = &kmsg->carry[i];
	mach_msg_descriptor_t *descriptor = ipc_kmsg_descriptor(kmsg, i);
	vm_address_t address = 0;
	bool lost = false;

	if (carry->copy != NULL) {
		kern_return_t result = vm_map_copyout(self->task->map, &address, carry->copy);

		if (result == KERN_RESTART)
			return KERN_RESTART;
		if (result != KERN_SUCCESS) {
			vm_map_copy_discard(carry->copy);
			kmsg->trouble = MACH_RCV_BODY_ERROR;
			lost = true;
		}
		carry->copy = NULL;
	} else {
		lost = carry->type == MACH_MSG_OOL_PORTS_DESCRIPTOR ? carry->count != 0 : carry->size != 0;
	}
	if (carry->type == MACH_MSG_OOL_PORTS_DESCRIPTOR) {
		descriptor->ool_ports = (mach_msg_ool_ports_descriptor_t){.type = carry->type,
			.disposition = carry->disposition,
			.deallocate = 1,
			.address = (void *)(uintptr_t)address,
			.count = lost ? 0 : carry->count};
	} else {
		descriptor->out_of_line = (mach_msg_ool_descriptor_t){.type = carry->type,
			.deallocate = 1,
			.copy = MACH_MSG_PHYSICAL_COPY,
			.address = (void *)(uintptr_t)address,
			.size = lost ? 0 : (mach_msg_size_t)carry->size};
	}
	carry->type = MACH_MSG_PORT_DESCRIPTOR; /* done: a second call passes it by */
	return MACH_MSG_SUCCESS;
}

kern_return_t ipc_kmsg_memory_out(struct thread *self, struct ipc_kmsg *kmsg)
{
	for (unsigned i = 0; i < kmsg->descriptors; i++) {
		if (kmsg->carry[i].type != MACH_MSG_PORT_DESCRIPTOR && memory_out(self, kmsg, i) == KERN_RESTART)
			return KERN_RESTART;
	}
	return KERN_SUCCESS;
}

/* What follows the usual trailer on request. */
static kern_return_t store_tokens(const struct ipc_kmsg *kmsg, vm_address_t address, mach_msg_size_t size)
{
	mach_msg_audit_trailer_t trailer = {.msgh_trailer_type = MACH_MSG_TRAILER_FORMAT_0};

	if (kmsg->tokens != NULL) {
		trailer.msgh_sender = kmsg->tokens->security;
		trailer.msgh_audit = kmsg->tokens->audit;
	} else if (kmsg->sender_id == 0) {
		trailer.msgh_sender = (security_token_t)KERNEL_SECURITY_TOKEN_VALUE;
	}
	return copyout(&trailer.msgh_sender, address, size);
}

kern_return_t ipc_kmsg_store(struct ipc_kmsg *kmsg, vm_address_t buffer, mach_msg_size_t all)
{
	mach_msg_size_t plain = ((kmsg->header.msgh_size + 7) & ~7u) + sizeof(mach_msg_trailer_t);
	kern_return_t result = copyout(&kmsg->header, buffer, all < plain ? all : plain);

	if (result == KERN_SUCCESS && all > plain)
		result = store_tokens(kmsg, buffer + plain, all - plain);
	return result;
}

/*
 * A word of each page is read and written back: if that works the page is there. Nobody but the caller may use the
 * buffer during the call.
 */
mach_msg_return_t ipc_buffer_probe(struct thread *self, vm_address_t buffer, mach_msg_size_t size)
{
	vm_address_t end, at = buffer;

	if (size == 0)
		return MACH_MSG_SUCCESS;
	if (buffer % 4 != 0 || __builtin_add_overflow(buffer, size, &end))
		return MACH_RCV_INVALID_DATA;
	for (; at < end; at = trunc_page(at) + VM_PAGE_SIZE) {
		uint32_t word;
		kern_return_t result;

		piece_spend(PAGE_COST);
		if (machine_load_user_word(at, &word) && machine_store_user_word(at, word))
			continue;
		piece_spend(FAULT_COST);
		result = vm_fault(self->task->map, at, VM_PROT_READ | VM_PROT_WRITE);
		if (result == KERN_RESTART)
			return KERN_RESTART;
		if (result != KERN_SUCCESS)
			return MACH_RCV_INVALID_DATA;
	}
	return MACH_MSG_SUCCESS;
}
