/* Messages inside the kernel: making, filling, destroying them. */
#include <ipc/ipc_internal.h>
#include <kern/piece.h>
#include <string.h>

#define RIGHT_COST 400 /* instructions for one that goes with a message, about (kern/piece.h) */

struct ipc_kmsg *ipc_kmsg_alloc_slots(
	struct account *account, mach_msg_size_t size, unsigned descriptors, unsigned slots)
{
	struct ipc_processor *own = CURRENT_PROCESSOR->ipc;
	size_t bytes = ipc_kmsg_image_bytes(size) + slots * sizeof(struct ipc_carry);
	struct ipc_kmsg *kmsg;

	if (bytes > IPC_KMSG_SMALL) {
		kmsg = ipc_kmsg_begin(kalloc(account, bytes), account, bytes);
	} else {
		kmsg = own->reserve != NULL ? own->reserve : ipc_kmsg_small(account);
		own->reserve = NULL;
		if (kmsg != NULL) {
			memset(&kmsg->header, 0, IPC_KMSG_SMALL - offsetof(struct ipc_kmsg, header));
			kmsg->sender_id = 0;
		}
	}
	if (kmsg == NULL)
		return NULL;
	kmsg->header.msgh_size = size;
	kmsg->carry -= slots;
	kmsg->slots = slots;
	kmsg->descriptors = descriptors;
	return kmsg;
}

/* Where the processor keeps a block of whole pages, or null. */
static struct ipc_kmsg **place_of(size_t bytes)
{
	size_t pages = bytes / VM_PAGE_SIZE;

	return bytes % VM_PAGE_SIZE == 0 && pages <= IPC_KMSG_PAGES ? &CURRENT_PROCESSOR->ipc->pages[pages - 1] : NULL;
}

struct ipc_kmsg *ipc_kmsg_large(struct account *account, mach_msg_size_t size)
{
	size_t bytes = kalloc_bytes(ipc_kmsg_image_bytes(size));
	struct ipc_kmsg **kept = place_of(bytes), *kmsg;

	if (kept == NULL || *kept == NULL)
		return ipc_kmsg_begin(kalloc(account, bytes), account, bytes);
	if (!account_charge(account, bytes))
		return NULL;
	kmsg = *kept;
	*kept = NULL;
	kmsg->account = account;
	return kmsg;
}

void ipc_kmsg_free_large(struct ipc_kmsg *kmsg)
{
	struct ipc_kmsg **kept = place_of(kmsg->allocated);

	if (kept == NULL || *kept != NULL) {
		kfree(kmsg->account, kmsg, kmsg->allocated);
		return;
	}
	ipc_kmsg_reset(kmsg);
	*kept = kmsg;
	account_uncharge(kmsg->account, kmsg->allocated);
}

struct ipc_kmsg *ipc_kmsg_make_slots(struct ipc_kmsg *kmsg, unsigned slots)
{
	size_t image = ipc_kmsg_image_bytes(kmsg->header.msgh_size), bytes = image + slots * sizeof(struct ipc_carry);
	struct ipc_kmsg *larger = kmsg;

	if (bytes > kmsg->allocated) {
		larger = ipc_kmsg_begin(kalloc(kmsg->account, bytes), kmsg->account, bytes);
		if (larger != NULL)
			memcpy(&larger->header, &kmsg->header, image - offsetof(struct ipc_kmsg, header));
		ipc_kmsg_free(kmsg);
		if (larger == NULL)
			return NULL;
	}
	larger->descriptors = larger->slots = slots;
	larger->carry -= slots;
	for (unsigned i = 0; i < slots; i++)
		larger->carry[i] = (struct ipc_carry){0};
	return larger;
}

struct ipc_kmsg *ipc_kmsg_alloc(mach_msg_size_t size, unsigned descriptors)
{
	struct ipc_kmsg *kmsg = ipc_kmsg_alloc_slots(&kernel_account, size, descriptors, descriptors);

	if (kmsg != NULL && descriptors != 0) {
		kmsg->header.msgh_bits = MACH_MSGH_BITS_COMPLEX;
		((mach_msg_body_t *)ipc_kmsg_body(kmsg))->msgh_descriptor_count = descriptors;
	}
	return kmsg;
}

void ipc_kmsg_bill(struct ipc_kmsg *kmsg, struct account *account)
{
	uint64_t bytes = kalloc_bytes(kmsg->allocated);

	account_charge_always(account, bytes);
	account_uncharge(kmsg->account, bytes);
	kmsg->account = account;
}

static void carry_release(struct ipc_carry *carry)
{
	vm_map_copy_discard(carry->copy);
	if (carry->type != MACH_MSG_OOL_PORTS_DESCRIPTOR) {
		ipc_port_release_right(carry->port, carry->disposition);
	} else {
		for (uint32_t i = 0; carry->ports != NULL && i < carry->count; i++) {
			ipc_port_release_right(carry->ports[i], carry->disposition);
			piece_spend(RIGHT_COST);
		}
		kfree(carry->account, carry->ports, carry->count * sizeof(*carry->ports));
		kfree(carry->account, carry->names, carry->count * sizeof(*carry->names));
	}
	*carry = (struct ipc_carry){0};
}

void ipc_kmsg_destroy_now(struct ipc_kmsg *kmsg)
{
	/* The right it was sent by is used up, without a notification: the message was its use. */
	ipc_kmsg_release_destination(kmsg);
	ipc_port_release_right(kmsg->local_port, kmsg->local_disposition);
	kmsg->local_port = NULL;
	for (uint32_t i = 0; i < kmsg->slots; i++)
		carry_release(&kmsg->carry[i]);
	ipc_kmsg_free(kmsg);
}

void ipc_kmsg_destroy(struct ipc_kmsg *kmsg)
{
	if (kmsg == NULL)
		return;
	ipc_defer_destroy(kmsg);
	deferred_run();
}

/* Descriptor i of a message under construction. */
static struct ipc_carry *carry_put(struct ipc_kmsg *kmsg, unsigned i, uint8_t type)
{
	assert(i < kmsg->slots);
	if (i >= kmsg->descriptors)
		kmsg->descriptors = i + 1;
	kmsg->header.msgh_bits |= MACH_MSGH_BITS_COMPLEX;
	((mach_msg_body_t *)ipc_kmsg_body(kmsg))->msgh_descriptor_count = kmsg->descriptors;
	*ipc_kmsg_descriptor(kmsg, i) = (mach_msg_descriptor_t){.type = {.type = type}};
	kmsg->carry[i].type = type;
	kmsg->rights |= type != MACH_MSG_OOL_DESCRIPTOR;
	kmsg->memory |= type != MACH_MSG_PORT_DESCRIPTOR;
	return &kmsg->carry[i];
}

void ipc_kmsg_put_port(struct ipc_kmsg *kmsg, unsigned i, struct ipc_port *port, mach_msg_type_name_t disposition)
{
	struct ipc_carry *carry = carry_put(kmsg, i, MACH_MSG_PORT_DESCRIPTOR);

	carry->port = port;
	carry->disposition = ipc_received_as(disposition);
}

void ipc_kmsg_put_copy(struct ipc_kmsg *kmsg, unsigned i, vm_map_copy_t copy, uint64_t size)
{
	struct ipc_carry *carry = carry_put(kmsg, i, MACH_MSG_OOL_DESCRIPTOR);

	carry->copy = copy;
	carry->size = size;
}

void ipc_kmsg_put_ports(
	struct ipc_kmsg *kmsg, unsigned i, struct ipc_port **ports, unsigned count, mach_msg_type_name_t disposition)
{
	struct ipc_carry *carry = carry_put(kmsg, i, MACH_MSG_OOL_PORTS_DESCRIPTOR);

	carry->ports = ports;
	carry->account = current_account();
	carry->count = count;
	carry->disposition = ipc_received_as(disposition);
}

struct ipc_kmsg *ipc_kmsg_of_words(struct account *account, mach_msg_id_t id, const uint64_t *words, unsigned count)
{
	mach_msg_size_t size = (mach_msg_size_t)(sizeof(mach_msg_header_t) + count * sizeof(uint64_t));
	struct ipc_kmsg *kmsg = ipc_kmsg_alloc_slots(account, size, 0, 0);

	if (kmsg != NULL) {
		kmsg->header.msgh_id = id;
		memcpy(ipc_kmsg_body(kmsg), words, count * sizeof(uint64_t));
	}
	return kmsg;
}

bool ipc_kmsg_fits_words(const struct ipc_kmsg *kmsg)
{
	return !(kmsg->header.msgh_bits & MACH_MSGH_BITS_COMPLEX) &&
	       kmsg->header.msgh_size <= sizeof(mach_msg_header_t) + IPC_WORDS * sizeof(uint64_t);
}

/* The image is zero from its end to a multiple of 8, so the last word is whole. */
unsigned ipc_kmsg_words(const struct ipc_kmsg *kmsg, uint64_t words[8])
{
	size_t bytes = kmsg->header.msgh_size - sizeof(mach_msg_header_t);

	memset(words, 0, IPC_WORDS * sizeof(uint64_t));
	memcpy(words, &kmsg->header + 1, bytes);
	return (unsigned)((bytes + 7) / 8);
}
