/*
 * Interrupts of devices as messages. Life of a struct device_irq:
 *
 *   IDLE      no message is outstanding; a line is unmasked.
 *   SENT      device_interrupt was sent and not acknowledged; a line is masked, further messages of the device are
 * counted. DEAD      the last send right to its port has gone: masked, its vector free; the structure stays while
 * references do.
 *
 * An acknowledgement moves SENT to IDLE, or sends again at once if the device has asked meanwhile. What cannot be sent
 * for want of memory is sent later: the device waits for its driver, and would for ever.
 */
#include <ipc/ipc.h>
#include <kern/kalloc.h>
#include <kern/task.h>
#include <stubs/device_notify_user.h>
#include <stubs/device_server.h>
#include <x86_64/cpu.h>

#define VECTORS (VECTOR_DEVICE_LAST - VECTOR_DEVICE_FIRST + 1)

enum irq_state { IRQ_IDLE, IRQ_SENT, IRQ_DEAD };

struct device_irq {
	struct refcount refs;
	struct account *account;
	struct ipc_port *port;   /* the kernel's, stands for this */
	struct ipc_port *notify; /* send right */
	enum irq_state state;
	uint32_t vector;
	uint32_t gsi;
	bool line; /* else by message */
	uint32_t missed;
	uint32_t unsent;    /* what the timer, which has a reference while it is set, sends */
	struct timer retry;
};

#define RETRY_NS 1000000

static struct lock irq_lock = LOCK_INIT(LOCK_RANK_DEVICE);
static struct device_irq *by_vector[VECTORS];

static void irq_mask(struct device_irq *irq, bool masked)
{
	if (irq->line)
		ioapic_mask(irq->gsi, masked);
}

static void *reference(void *object)
{
	struct device_irq *irq = object;

	ref_take(&irq->refs);
	return irq;
}

device_irq_t convert_port_to_irq(struct ipc_port *port)
{
	return ipc_kernel_port_lookup(port, IKOT_IRQ, reference);
}

void device_irq_deallocate(device_irq_t irq)
{
	if (irq == NULL || !ref_drop(&irq->refs))
		return;
	ipc_port_release_send(irq->notify);
	kfree(irq->account, irq, sizeof(*irq));
}

struct ipc_port *convert_irq_to_port(device_irq_t irq)
{
	struct ipc_port *right;

	if (irq == NULL)
		return NULL;
	right = ipc_port_make_send(irq->port);
	device_irq_deallocate(irq);
	return right;
}

/* No locks held. In state SENT, so one at a time. */
static void send(struct device_irq *irq, uint32_t count)
{
	kern_return_t result = device_interrupt(irq->notify, count);

	/* A dead port: nobody listens, and nobody acknowledges. */
	if (result == MACH_MSG_SUCCESS || result == MACH_SEND_INVALID_DEST)
		return;
	irq->unsent = count;
	ref_take(&irq->refs);
	timer_set(&irq->retry, machine_now() + RETRY_NS);
}

static void send_again(struct timer *timer)
{
	struct device_irq *irq = container_of(timer, struct device_irq, retry);

	send(irq, irq->unsent);
	device_irq_deallocate(irq);
}

/* Nobody can acknowledge it any more. */
static void no_senders(struct ipc_port *port, void *object)
{
	struct device_irq *irq = object;

	lock_acquire(&irq_lock);
	irq_mask(irq, true);
	irq->state = IRQ_DEAD;
	by_vector[irq->vector - VECTOR_DEVICE_FIRST] = NULL;
	lock_release(&irq_lock);
	ipc_port_destroy(port);
	device_irq_deallocate(irq); /* the port's */
}

/* Two references: one the port's, one for the caller. `notify` is consumed if it succeeds. */
static kern_return_t irq_create(struct ipc_port *notify, struct device_irq **out)
{
	struct account *account = current_account();
	struct device_irq *irq = kalloc(account, sizeof(*irq));
	uint32_t slot;

	if (irq == NULL)
		return KERN_RESOURCE_SHORTAGE;
	irq->account = account;
	irq->port = ipc_kernel_port_create(IKOT_IRQ, irq, account);
	if (irq->port == NULL) {
		kfree(irq->account, irq, sizeof(*irq));
		return KERN_RESOURCE_SHORTAGE;
	}
	ref_init(&irq->refs, 2);
	timer_init(&irq->retry, send_again);
	lock_acquire(&irq_lock);
	for (slot = 0; slot < VECTORS && by_vector[slot] != NULL; slot++)
		;
	if (slot < VECTORS) {
		irq->vector = VECTOR_DEVICE_FIRST + slot;
		by_vector[slot] = irq;
	}
	lock_release(&irq_lock);
	if (slot == VECTORS) {
		ipc_port_destroy(irq->port);
		kfree(irq->account, irq, sizeof(*irq));
		return KERN_RESOURCE_SHORTAGE;
	}
	irq->notify = notify;
	ipc_kernel_port_set_no_senders(irq->port, no_senders);
	*out = irq;
	return KERN_SUCCESS;
}

/* The right is consumed on success, here and in the next. KERN_INVALID_ARGUMENT: no such line. */
kern_return_t device_irq_line(host_t, unsigned line, struct ipc_port *notify, device_irq_t *out)
{
	bool level, low;
	uint32_t gsi = acpi_irq_override(line, &level, &low);
	struct device_irq *irq;
	kern_return_t result;

	if (notify == NULL)
		return KERN_INVALID_ARGUMENT;
	lock_acquire(&irq_lock);
	for (uint32_t i = 0; i < VECTORS; i++)
		if (by_vector[i] != NULL && by_vector[i]->line && by_vector[i]->gsi == gsi) {
			lock_release(&irq_lock);
			return KERN_NAME_EXISTS; /* one owner per line */
		}
	lock_release(&irq_lock);
	result = irq_create(notify, &irq);
	if (result != KERN_SUCCESS)
		return result;
	lock_acquire(&irq_lock);
	irq->gsi = gsi;
	irq->line = ioapic_route(gsi, irq->vector, level, low);
	irq_mask(irq, false);
	lock_release(&irq_lock);
	if (!irq->line) {
		irq->notify = NULL; /* stays the caller's */
		no_senders(irq->port, irq);
		device_irq_deallocate(irq);
		return KERN_INVALID_ARGUMENT;
	}
	*out = irq;
	return KERN_SUCCESS;
}

/* *address, *data: what the device must write, and where. */
kern_return_t device_irq_message(
	host_t, struct ipc_port *notify, device_irq_t *out, uint64_t *address, unsigned *data)
{
	kern_return_t result = notify == NULL ? KERN_INVALID_ARGUMENT : irq_create(notify, out);

	if (result != KERN_SUCCESS)
		return result;
	/* SDM vol. 3A, 11.11: fixed delivery, edge, to this processor. */
	*address = 0xfee00000 | (uint64_t)current_processor()->apic_id << 12;
	*data = (*out)->vector;
	return KERN_SUCCESS;
}

kern_return_t device_irq_ack(device_irq_t irq)
{
	uint32_t again = 0;

	lock_acquire(&irq_lock);
	if (irq->state == IRQ_SENT) {
		again = irq->missed;
		irq->missed = 0;
		if (again == 0) {
			irq->state = IRQ_IDLE;
			irq_mask(irq, false);
		}
	}
	lock_release(&irq_lock);
	if (again != 0)
		send(irq, again);
	return KERN_SUCCESS;
}

void device_interrupt_arrived(uint64_t vector)
{
	struct device_irq *irq;
	bool first = false;

	lock_acquire(&irq_lock);
	irq = by_vector[vector - VECTOR_DEVICE_FIRST];
	if (irq != NULL && irq->state == IRQ_IDLE) {
		irq->state = IRQ_SENT;
		irq_mask(irq, true);
		first = true;
		ref_take(&irq->refs);
	} else if (irq != NULL) {
		irq->missed++;
	}
	lock_release(&irq_lock);
	if (first) {
		send(irq, 1);
		device_irq_deallocate(irq);
	}
}
