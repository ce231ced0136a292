/* Virtio devices over PCI: reset, features, memory, interrupts, queues. See virtio.h. */
#include "virtio.h"

#include <mach/device_notify_server.h>
#include <mach/keep.h>
#include <mach/server.h>

#include <pthread.h>
#include <string.h>

enum {
	VENDOR = 0x1af4,
	DEVICE_MODERN = 0x1040, /* and its kind */

	/* 4.1.4: capabilities */
	CAP_TYPE = 3,
	CAP_BAR = 4,
	CAP_OFFSET = 8,
	CAP_LENGTH = 12,
	CAP_NOTIFY_MULTIPLIER = 16,
	CFG_COMMON = 1,
	CFG_NOTIFY = 2,
	CFG_DEVICE = 4,
	/* PCI 3.0, 6.8.2: MSI-X */
	MSIX_CONTROL = 2,
	MSIX_TABLE = 4,
	MSIX_ENABLE = 0x8000,
	MSIX_FUNCTION_MASK = 0x4000,
	MSIX_ENTRY_SIZE = 16,

	/* 2.1: device status */
	STATUS_ACKNOWLEDGE = 1,
	STATUS_DRIVER = 2,
	STATUS_DRIVER_OK = 4,
	STATUS_FEATURES_OK = 8,
	STATUS_FAILED = 128,

	FEATURE_VERSION_1 = 32,
	NO_VECTOR = 0xffff,
	RESET_TRIES = 1000,
};

/* 4.1.4.3: the common configuration. */
struct virtio_common {
	uint32_t device_feature_select, device_feature;
	uint32_t driver_feature_select, driver_feature;
	uint16_t msix_config, num_queues;
	uint8_t device_status, config_generation;
	uint16_t queue_select, queue_size, queue_msix_vector, queue_enable, queue_notify_off;
	uint32_t queue_desc[2], queue_driver[2], queue_device[2];
};

bool virtio_matches(const struct pci_function *f, unsigned kind)
{
	return f->vendor == VENDOR && f->id == DEVICE_MODERN + kind;
}

/* --- Interrupts. */

kern_return_t S_device_interrupt(mach_port_t notify, unsigned count)
{
	struct virtio *v = mach_request_object();

	(void)notify;
	(void)count;
	/* Acknowledged first: what finishes after the look at the rings interrupts again. */
	device_irq_ack(v->irq);
	v->interrupt(v->self);
	return KERN_SUCCESS;
}

static void *interrupt_thread(void *argument)
{
	static const struct mig_subsystem *const subsystems[] = {&device_notify_subsystem, NULL};
	struct virtio *v = argument;

	mach_server_run(v->interrupt_port, subsystems);
	return NULL;
}

static bool start_interrupt(struct virtio *v, const struct pci_function *f, mach_port_t device_master)
{
	unsigned cap = pci_capability(f, PCI_CAPABILITY_MSIX, 0);
	volatile uint32_t *table;
	uint64_t address;
	unsigned data, control, where;
	pthread_t thread;

	if (!cap)
		return false;
	control = pci_read(f, cap + MSIX_CONTROL, 2);
	where = pci_read(f, cap + MSIX_TABLE, 4);
	table = pci_map_bar(f, device_master, where & 7, where & ~7u, ((control & 0x7ff) + 1) * MSIX_ENTRY_SIZE);
	if (!table || mach_server_port(MACH_PORT_NULL, v, &v->interrupt_port) != KERN_SUCCESS)
		return false;
	if (device_irq_message(device_master, v->interrupt_port, &v->irq, &address, &data) != KERN_SUCCESS)
		return false;
	table[0] = (uint32_t)address;
	table[1] = (uint32_t)(address >> 32);
	table[2] = data;
	table[3] = 0; /* not masked */
	pci_write(f, cap + MSIX_CONTROL, 2, (control | MSIX_ENABLE) & ~(unsigned)MSIX_FUNCTION_MASK);
	if (pthread_create(&thread, NULL, interrupt_thread, v))
		return false;
	pthread_detach(thread);
	return true;
}

/* --- Memory. */

/*
 * Memory for the device outlives this task: a device that is not quiet yet when its driver dies writes to what is still
 * its own. So bootstrap has a right to it before the device hears of it, and the next instance uses it again when it
 * has reset the device. Its first word is where it is, as the device has it.
 */
static bool find_memory(struct virtio *v, mach_port_t device_master, const struct virtio_wish *wish)
{
	vm_address_t address = 0;
	uint64_t physical = 0;
	mach_port_t memory;
	kern_return_t result = mach_kept_right(wish->memory_name, &memory);
	bool old = result == KERN_SUCCESS;

	if (!old) {
		result = device_dma_memory(device_master, wish->memory_size, &memory, &physical);
		if (result == KERN_SUCCESS)
			result = mach_keep_right(wish->memory_name, memory);
	}
	if (result == KERN_SUCCESS)
		result = vm_map(mach_task_self(), &address, round_page(wish->memory_size), 0, TRUE, memory, 0, FALSE,
			VM_PROT_DEFAULT, VM_PROT_DEFAULT, VM_INHERIT_NONE);
	if (result != KERN_SUCCESS)
		return false;
	mach_port_deallocate(mach_task_self(), memory);
	v->memory = (char *)(uintptr_t)address;
	if (!old)
		*(uint64_t *)(void *)v->memory = physical;
	return true;
}

uint64_t virtio_physical(const struct virtio *v, const volatile void *at)
{
	return *(const uint64_t *)(const void *)v->memory + (uint64_t)((const volatile char *)at - v->memory);
}

/* --- Start. */

/* Maps the part of a BAR that a virtio capability of the kind describes. */
static volatile void *map_config(const struct pci_function *f, mach_port_t device_master, unsigned kind, unsigned *cap)
{
	unsigned at = 0;

	while ((at = pci_capability(f, PCI_CAPABILITY_VENDOR, at))) {
		if (pci_read(f, at + CAP_TYPE, 1) != kind)
			continue;
		*cap = at;
		return pci_map_bar(f, device_master, pci_read(f, at + CAP_BAR, 1), pci_read(f, at + CAP_OFFSET, 4),
			pci_read(f, at + CAP_LENGTH, 4));
	}
	return NULL;
}

static bool reset(struct virtio *v)
{
	v->common->device_status = 0;
	for (int i = 0; i < RESET_TRIES; i++) {
		if (v->common->device_status == 0) {
			v->common->device_status = STATUS_ACKNOWLEDGE;
			v->common->device_status = STATUS_ACKNOWLEDGE | STATUS_DRIVER;
			return true;
		}
	}
	return false;
}

/* 3.1.1: which features the device has and we take. */
static bool agree_features(struct virtio *v, uint64_t wanted, uint64_t *features)
{
	volatile struct virtio_common *c = v->common;
	uint64_t offered;

	c->device_feature_select = 0;
	offered = c->device_feature;
	c->device_feature_select = 1;
	offered |= (uint64_t)c->device_feature << 32;
	*features = offered & (wanted | 1ull << FEATURE_VERSION_1);
	if (!(*features & 1ull << FEATURE_VERSION_1))
		return false;
	c->driver_feature_select = 0;
	c->driver_feature = (uint32_t)*features;
	c->driver_feature_select = 1;
	c->driver_feature = (uint32_t)(*features >> 32);
	c->device_status = c->device_status | STATUS_FEATURES_OK;
	return c->device_status & STATUS_FEATURES_OK;
}

const char *virtio_start(struct virtio *v, const struct pci_function *f, mach_port_t device_master,
	const struct virtio_wish *wish, uint64_t *features)
{
	unsigned cap = 0;

	v->interrupt = wish->interrupt;
	v->self = wish->self;
	pci_write(f, PCI_COMMAND, 2,
		pci_read(f, PCI_COMMAND, 2) | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_NO_INTX);
	v->common = map_config(f, device_master, CFG_COMMON, &cap);
	v->config = map_config(f, device_master, CFG_DEVICE, &cap);
	v->notify = map_config(f, device_master, CFG_NOTIFY, &cap);
	v->notify_multiplier = cap ? pci_read(f, cap + CAP_NOTIFY_MULTIPLIER, 4) : 0;
	if (!v->common || !v->config || !v->notify)
		return "its registers cannot be mapped";
	if (!reset(v))
		return "it does not reset";
	if (!agree_features(v, wish->features, features))
		return "it is no virtio 1.0 device";
	if (!find_memory(v, device_master, wish))
		return "no memory for DMA";
	if (!start_interrupt(v, f, device_master))
		return "no interrupt";
	v->common->msix_config = NO_VECTOR;
	return NULL;
}

static void set_address(volatile uint32_t at[2], uint64_t physical)
{
	at[0] = (uint32_t)physical;
	at[1] = (uint32_t)(physical >> 32);
}

volatile uint16_t *virtio_start_queue(
	struct virtio *v, unsigned number, volatile struct virtio_queue *queue, bool interrupts)
{
	volatile struct virtio_common *c = v->common;
	uint16_t vector = interrupts ? 0 : NO_VECTOR;

	if (number >= c->num_queues)
		return NULL;
	c->queue_select = (uint16_t)number;
	if (c->queue_size < VIRTIO_QUEUE_SIZE)
		return NULL;
	c->queue_size = VIRTIO_QUEUE_SIZE;
	c->queue_msix_vector = vector;
	if (c->queue_msix_vector != vector)
		return NULL;
	set_address(c->queue_desc, virtio_physical(v, queue->descriptor));
	set_address(c->queue_driver, virtio_physical(v, &queue->available));
	set_address(c->queue_device, virtio_physical(v, &queue->used));
	c->queue_enable = 1;
	return (volatile uint16_t *)(v->notify + c->queue_notify_off * v->notify_multiplier);
}

void virtio_go(struct virtio *v)
{
	v->common->device_status = v->common->device_status | STATUS_DRIVER_OK;
}

void virtio_give_up(struct virtio *v)
{
	if (v->common)
		v->common->device_status = STATUS_FAILED;
}

/* --- Queues. */

void virtio_offer(volatile struct virtio_queue *queue, uint16_t first, volatile uint16_t *notify, unsigned number)
{
	queue->available.ring[queue->available.index % VIRTIO_QUEUE_SIZE] = first;
	__asm__ volatile("" : : : "memory"); /* entry before index: stores stay in order on x86 */
	queue->available.index++;
	__asm__ volatile("mfence" : : : "memory");
	*notify = (uint16_t)number;
}

bool virtio_take_used(volatile struct virtio_queue *queue, uint16_t *seen, uint32_t *first, uint32_t *length)
{
	/* The device writes the entry before the index; x86 keeps the order of both sides' loads and stores. */
	if (*seen == queue->used.index)
		return false;
	__asm__ volatile("" : : : "memory");
	*first = queue->used.ring[*seen % VIRTIO_QUEUE_SIZE].id;
	*length = queue->used.ring[*seen % VIRTIO_QUEUE_SIZE].length;
	++*seen;
	return true;
}
