/*
 * The virtio block device over PCI (virtio 1.1: 2.6 split virtqueues, 4.1 PCI, 5.2 block device).
 *
 * There are SLOTS requests in flight at most. A slot owns three descriptors (head, data, status), a header, a status
 * byte and a buffer, all in memory for DMA: the processor copies between buffer and the caller's memory. Whoever wants
 * a transfer takes a free slot, puts its chain on the available ring and sleeps; the interrupt thread takes chains off
 * the used ring and wakes their slots.
 */
#include "virtio_blk.h"

#include <mach/device_notify_server.h>
#include <mach/keep.h>
#include <mach/server.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	VENDOR = 0x1af4,
	DEVICE_BLOCK = 0x1042,

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

	/* 5.2.3: features */
	FEATURE_READ_ONLY = 5,
	FEATURE_FLUSH = 9,
	FEATURE_VERSION_1 = 32,

	/* 2.6.5: descriptors */
	DESCRIPTOR_NEXT = 1,
	DESCRIPTOR_WRITE = 2,

	/* 5.2.6: requests */
	REQUEST_IN = 0,
	REQUEST_OUT = 1,
	REQUEST_FLUSH = 4,
	REQUEST_STATUS_OK = 0,
	REQUEST_STATUS_PENDING = 0xff, /* no device writes it */

	NO_VECTOR = 0xffff,
	SLOTS = 8,
	CHAIN = 3,
	QUEUE_SIZE = 32, /* a power of two, at least SLOTS * CHAIN */
	BUFFER_SIZE = 64 << 10,
	ANSWER_SECONDS = 30,
	RESET_TRIES = 1000,
};

/* 4.1.4.3: the common configuration. */
struct common_config {
	uint32_t device_feature_select, device_feature;
	uint32_t driver_feature_select, driver_feature;
	uint16_t msix_config, num_queues;
	uint8_t device_status, config_generation;
	uint16_t queue_select, queue_size, queue_msix_vector, queue_enable, queue_notify_off;
	uint32_t queue_desc[2], queue_driver[2], queue_device[2];
};

struct descriptor {
	uint64_t address;
	uint32_t length;
	uint16_t flags, next;
};

struct request_header {
	uint32_t type, reserved;
	uint64_t sector;
};

/* What the device and we share. */
struct shared {
	struct descriptor descriptor[QUEUE_SIZE];
	struct {
		uint16_t flags, index, ring[QUEUE_SIZE], event;
	} available __attribute__((aligned(16)));
	struct {
		uint16_t flags, index;
		struct {
			uint32_t id, length;
		} ring[QUEUE_SIZE];
		uint16_t event;
	} used __attribute__((aligned(16)));
	struct request_header header[SLOTS];
	uint8_t status[SLOTS];
};

/* All of its memory, in one piece. */
struct memory {
	struct shared shared;
	uint64_t physical; /* of this; the driver's own */
	uint8_t buffer[SLOTS][BUFFER_SIZE] __attribute__((aligned(VM_PAGE_SIZE)));
};

struct slot {
	struct slot *next_free;
	unsigned number;
	bool done;
	pthread_cond_t finished;
	uint8_t *buffer;
};

struct virtio_blk {
	volatile struct common_config *common;
	volatile uint16_t *notify;
	struct memory *memory;
	volatile struct shared *shared; /* memory's */
	uint64_t sectors;
	bool read_only, can_flush;
	unsigned number; /* the first, second ... of the PCI bus */
	mach_port_t interrupt_port, irq;

	pthread_mutex_t lock; /* all below, the rings and the notify register */
	pthread_cond_t slot_free;
	struct slot slot[SLOTS], *free;
	uint16_t used_seen;
};

bool virtio_blk_matches(const struct pci_function *f)
{
	return f->vendor == VENDOR && f->id == DEVICE_BLOCK;
}

uint64_t virtio_blk_sectors(const struct virtio_blk *disk)
{
	return disk->sectors;
}

bool virtio_blk_read_only(const struct virtio_blk *disk)
{
	return disk->read_only;
}

/* --- Interrupts. */

/* Takes finished chains off the used ring. Lock held. */
static void reap(struct virtio_blk *disk)
{
	/* The device writes the entry before the index; x86 keeps the order of both sides' loads and stores. */
	while (disk->used_seen != disk->shared->used.index) {
		__asm__ volatile("" : : : "memory");
		unsigned number = disk->shared->used.ring[disk->used_seen % QUEUE_SIZE].id / CHAIN;

		disk->used_seen++;
		if (number < SLOTS) {
			disk->slot[number].done = true;
			pthread_cond_signal(&disk->slot[number].finished);
		}
	}
}

kern_return_t S_device_interrupt(mach_port_t notify, unsigned count)
{
	struct virtio_blk *disk = mach_request_object();

	(void)notify;
	(void)count;
	/* Acknowledged first: what finishes after the look at the ring interrupts again. */
	device_irq_ack(disk->irq);
	pthread_mutex_lock(&disk->lock);
	reap(disk);
	pthread_mutex_unlock(&disk->lock);
	return KERN_SUCCESS;
}

static void *interrupt_thread(void *argument)
{
	static const struct mig_subsystem *const subsystems[] = {&device_notify_subsystem, NULL};
	struct virtio_blk *disk = argument;

	mach_server_run(disk->interrupt_port, subsystems);
	return NULL;
}

/* --- Requests. */

static struct slot *take_slot(struct virtio_blk *disk)
{
	struct slot *slot;

	while (!(slot = disk->free))
		pthread_cond_wait(&disk->slot_free, &disk->lock);
	disk->free = slot->next_free;
	return slot;
}

static void give_slot(struct virtio_blk *disk, struct slot *slot)
{
	slot->next_free = disk->free;
	disk->free = slot;
	pthread_cond_signal(&disk->slot_free);
}

static uint64_t physical_of(const struct virtio_blk *disk, size_t offset)
{
	return disk->memory->physical + offset;
}

/* Hands the slot's chain to the device and waits for it. Lock held. */
static kern_return_t run_slot(struct virtio_blk *disk, struct slot *slot, uint32_t type, uint64_t sector, uint32_t size)
{
	volatile struct shared *s = disk->shared;
	volatile struct descriptor *head = &s->descriptor[slot->number * CHAIN];
	uint16_t first = (uint16_t)(slot->number * CHAIN);
	struct timespec limit;

	s->header[slot->number].type = type;
	s->header[slot->number].sector = sector;
	s->status[slot->number] = REQUEST_STATUS_PENDING;
	/* Addresses never change; a flush has no data. */
	head[0].next = (uint16_t)(first + (size ? 1 : 2));
	head[1].length = size;
	head[1].flags = (uint16_t)(DESCRIPTOR_NEXT | (type == REQUEST_IN ? DESCRIPTOR_WRITE : 0));
	slot->done = false;
	s->available.ring[s->available.index % QUEUE_SIZE] = first;
	__asm__ volatile("" : : : "memory"); /* entry before index: stores stay in order on x86 */
	s->available.index++;
	__asm__ volatile("mfence" : : : "memory");
	*disk->notify = 0;

	clock_gettime(CLOCK_MONOTONIC, &limit);
	limit.tv_sec += ANSWER_SECONDS;
	while (!slot->done) {
		if (pthread_cond_timedwait(&slot->finished, &disk->lock, &limit) == ETIMEDOUT && !slot->done) {
			reap(disk);
			if (slot->done)
				break;
			/* The device may still write to the buffer: the slot is given up with it. */
			fprintf(stderr, "the disk has not answered for %d seconds (sector %llu)\n", ANSWER_SECONDS,
				(unsigned long long)sector);
			return KERN_TIMEDOUT;
		}
	}
	return s->status[slot->number] == REQUEST_STATUS_OK ? KERN_SUCCESS : KERN_MEMORY_ERROR;
}

static kern_return_t transfer(
	struct virtio_blk *disk, uint32_t type, uint64_t offset, void *to, const void *from, uint64_t size)
{
	kern_return_t result = KERN_SUCCESS;

	for (uint64_t done = 0; result == KERN_SUCCESS && (done < size || type == REQUEST_FLUSH);) {
		uint32_t part = size - done < BUFFER_SIZE ? (uint32_t)(size - done) : BUFFER_SIZE;
		struct slot *slot;

		pthread_mutex_lock(&disk->lock);
		slot = take_slot(disk);
		if (from) {
			/* The slot is ours alone; others may go on. */
			pthread_mutex_unlock(&disk->lock);
			memcpy(slot->buffer, (const char *)from + done, part);
			pthread_mutex_lock(&disk->lock);
		}
		result = run_slot(disk, slot, type, (offset + done) / DISK_SECTOR, part);
		pthread_mutex_unlock(&disk->lock);
		if (result == KERN_TIMEDOUT)
			return KERN_MEMORY_ERROR;
		if (result == KERN_SUCCESS && to)
			memcpy((char *)to + done, slot->buffer, part);
		pthread_mutex_lock(&disk->lock);
		give_slot(disk, slot);
		pthread_mutex_unlock(&disk->lock);
		done += part;
		if (type == REQUEST_FLUSH)
			break;
	}
	return result;
}

kern_return_t virtio_blk_read(struct virtio_blk *disk, uint64_t offset, void *data, uint64_t size)
{
	return transfer(disk, REQUEST_IN, offset, data, NULL, size);
}

kern_return_t virtio_blk_write(struct virtio_blk *disk, uint64_t offset, const void *data, uint64_t size)
{
	if (disk->read_only)
		return KERN_NO_ACCESS;
	return transfer(disk, REQUEST_OUT, offset, NULL, data, size);
}

kern_return_t virtio_blk_flush(struct virtio_blk *disk)
{
	return disk->can_flush ? transfer(disk, REQUEST_FLUSH, 0, NULL, NULL, 0) : KERN_SUCCESS;
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

static bool start_interrupt(struct virtio_blk *disk, const struct pci_function *f, mach_port_t device_master)
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
	if (!table || mach_server_port(MACH_PORT_NULL, disk, &disk->interrupt_port) != KERN_SUCCESS)
		return false;
	if (device_irq_message(device_master, disk->interrupt_port, &disk->irq, &address, &data) != KERN_SUCCESS)
		return false;
	table[0] = (uint32_t)address;
	table[1] = (uint32_t)(address >> 32);
	table[2] = data;
	table[3] = 0; /* not masked */
	pci_write(f, cap + MSIX_CONTROL, 2, (control | MSIX_ENABLE) & ~(unsigned)MSIX_FUNCTION_MASK);
	if (pthread_create(&thread, NULL, interrupt_thread, disk))
		return false;
	pthread_detach(thread);
	return true;
}

/*
 * Memory for the device outlives this task: a device that is not quiet yet when its driver dies writes to what is still
 * its own. So bootstrap has a right to it before the device hears of it, and the next instance uses it again when it
 * has reset the device.
 */
static bool find_memory(struct virtio_blk *disk, mach_port_t device_master)
{
	vm_address_t address = 0;
	uint64_t physical = 0;
	mach_port_t memory;
	char name[sizeof("dma 4294967295")];
	kern_return_t result;
	bool old;

	snprintf(name, sizeof(name), "dma %u", disk->number);
	result = mach_kept_right(name, &memory);
	old = result == KERN_SUCCESS;
	if (!old) {
		result = device_dma_memory(device_master, sizeof(struct memory), &memory, &physical);
		if (result == KERN_SUCCESS)
			result = mach_keep_right(name, memory);
	}
	if (result == KERN_SUCCESS)
		result = vm_map(mach_task_self(), &address, round_page(sizeof(struct memory)), 0, TRUE, memory, 0,
			FALSE, VM_PROT_DEFAULT, VM_PROT_DEFAULT, VM_INHERIT_NONE);
	if (result != KERN_SUCCESS)
		return false;
	mach_port_deallocate(mach_task_self(), memory);
	disk->memory = (struct memory *)(uintptr_t)address;
	if (!old)
		disk->memory->physical = physical;
	return true;
}

/* The device has been reset. */
static bool start_memory(struct virtio_blk *disk, mach_port_t device_master)
{
	if (!find_memory(disk, device_master))
		return false;
	memset(&disk->memory->shared, 0, sizeof(disk->memory->shared));
	disk->shared = &disk->memory->shared;
	for (unsigned i = 0; i < SLOTS; i++) {
		struct slot *slot = &disk->slot[i];
		volatile struct descriptor *chain = &disk->shared->descriptor[i * CHAIN];
		pthread_condattr_t attributes;

		slot->number = i;
		slot->buffer = disk->memory->buffer[i];
		pthread_condattr_init(&attributes);
		pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
		pthread_cond_init(&slot->finished, &attributes);
		slot->next_free = disk->free;
		disk->free = slot;
		chain[0].address = physical_of(disk, offsetof(struct memory, shared.header[i]));
		chain[0].length = sizeof(struct request_header);
		chain[0].flags = DESCRIPTOR_NEXT;
		chain[1].address = physical_of(disk, offsetof(struct memory, buffer[i]));
		chain[1].next = (uint16_t)(i * CHAIN + 2);
		chain[2].address = physical_of(disk, offsetof(struct memory, shared.status[i]));
		chain[2].length = 1;
		chain[2].flags = DESCRIPTOR_WRITE;
	}
	return true;
}

/* 3.1.1: which features the device has and we take. */
static bool agree_features(struct virtio_blk *disk)
{
	volatile struct common_config *c = disk->common;
	uint64_t offered, wanted;

	c->device_feature_select = 0;
	offered = c->device_feature;
	c->device_feature_select = 1;
	offered |= (uint64_t)c->device_feature << 32;
	wanted = offered & (1ull << FEATURE_READ_ONLY | 1ull << FEATURE_FLUSH | 1ull << FEATURE_VERSION_1);
	if (!(wanted & 1ull << FEATURE_VERSION_1))
		return false;
	disk->read_only = wanted & 1ull << FEATURE_READ_ONLY;
	disk->can_flush = wanted & 1ull << FEATURE_FLUSH;
	c->driver_feature_select = 0;
	c->driver_feature = (uint32_t)wanted;
	c->driver_feature_select = 1;
	c->driver_feature = (uint32_t)(wanted >> 32);
	c->device_status = c->device_status | STATUS_FEATURES_OK;
	return c->device_status & STATUS_FEATURES_OK;
}

static void set_queue_address(volatile uint32_t at[2], uint64_t physical)
{
	at[0] = (uint32_t)physical;
	at[1] = (uint32_t)(physical >> 32);
}

static bool start_queue(struct virtio_blk *disk)
{
	volatile struct common_config *c = disk->common;

	c->msix_config = NO_VECTOR;
	c->queue_select = 0;
	if (c->queue_size < QUEUE_SIZE)
		return false;
	c->queue_size = QUEUE_SIZE;
	c->queue_msix_vector = 0;
	if (c->queue_msix_vector != 0)
		return false;
	set_queue_address(c->queue_desc, physical_of(disk, offsetof(struct memory, shared.descriptor)));
	set_queue_address(c->queue_driver, physical_of(disk, offsetof(struct memory, shared.available)));
	set_queue_address(c->queue_device, physical_of(disk, offsetof(struct memory, shared.used)));
	c->queue_enable = 1;
	return true;
}

static bool reset(struct virtio_blk *disk)
{
	disk->common->device_status = 0;
	for (int i = 0; i < RESET_TRIES; i++) {
		if (disk->common->device_status == 0) {
			disk->common->device_status = STATUS_ACKNOWLEDGE;
			disk->common->device_status = STATUS_ACKNOWLEDGE | STATUS_DRIVER;
			return true;
		}
	}
	return false;
}

struct virtio_blk *virtio_blk_start(
	const struct pci_function *f, mach_port_t device_master, unsigned number, const char **why)
{
	struct virtio_blk *disk = calloc(1, sizeof(*disk));
	volatile const uint32_t *config;
	volatile char *notify;
	unsigned cap = 0, multiplier;

	*why = "no memory";
	if (!disk)
		return NULL;
	disk->number = number;
	pthread_mutex_init(&disk->lock, NULL);
	pthread_cond_init(&disk->slot_free, NULL);
	pci_write(f, PCI_COMMAND, 2,
		pci_read(f, PCI_COMMAND, 2) | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_NO_INTX);
	disk->common = map_config(f, device_master, CFG_COMMON, &cap);
	config = map_config(f, device_master, CFG_DEVICE, &cap);
	notify = map_config(f, device_master, CFG_NOTIFY, &cap);
	multiplier = cap ? pci_read(f, cap + CAP_NOTIFY_MULTIPLIER, 4) : 0;
	*why = "its registers cannot be mapped";
	if (!disk->common || !config || !notify)
		goto fail;
	*why = "it does not reset";
	if (!reset(disk))
		goto fail;
	*why = "it is no virtio 1.0 device";
	if (!agree_features(disk))
		goto fail;
	disk->sectors = config[0] | (uint64_t)config[1] << 32;
	*why = "no memory for DMA";
	if (!start_memory(disk, device_master))
		goto fail;
	*why = "no interrupt";
	if (!start_interrupt(disk, f, device_master))
		goto fail;
	*why = "its queue does not start";
	if (!start_queue(disk))
		goto fail;
	disk->common->queue_select = 0;
	disk->notify = (volatile uint16_t *)(notify + disk->common->queue_notify_off * multiplier);
	disk->common->device_status = disk->common->device_status | STATUS_DRIVER_OK;
	return disk;

fail:
	/* What it holds stays: a disk is started once in this task's life, and an interrupt thread may have it. */
	if (disk->common)
		disk->common->device_status = STATUS_FAILED;
	return NULL;
}
