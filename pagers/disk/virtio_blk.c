/*
 * The virtio block device (virtio 1.1: 5.2).
 *
 * There are SLOTS requests in flight at most. A slot owns three descriptors (head, data, status), a header, a status
 * byte and a buffer, all in memory for DMA: the processor copies between buffer and the caller's memory. Whoever wants
 * a transfer takes a free slot, puts its chain on the available ring and sleeps; the interrupt thread takes chains off
 * the used ring and wakes their slots.
 */
#include "virtio_blk.h"

#include "drivers/virtio.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	DEVICE_BLOCK = 2,

	/* 5.2.3: features */
	FEATURE_READ_ONLY = 5,
	FEATURE_FLUSH = 9,

	/* 5.2.6: requests */
	REQUEST_IN = 0,
	REQUEST_OUT = 1,
	REQUEST_FLUSH = 4,
	REQUEST_STATUS_OK = 0,
	REQUEST_STATUS_PENDING = 0xff, /* no device writes it */

	SLOTS = 8,
	CHAIN = 3,
	BUFFER_SIZE = 64 << 10,
	ANSWER_SECONDS = 30,
};
_Static_assert((unsigned)SLOTS *CHAIN <= VIRTIO_QUEUE_SIZE, "all chains are in the queue");

struct request_header {
	uint32_t type, reserved;
	uint64_t sector;
};

/* What the device and we share. */
struct shared {
	struct virtio_queue queue;
	struct request_header header[SLOTS];
	uint8_t status[SLOTS];
};

/* All of its memory, in one piece. */
struct memory {
	uint64_t physical; /* virtio.c's */
	struct shared shared;
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
	struct virtio virtio;
	volatile uint16_t *notify;
	struct memory *memory;
	volatile struct shared *shared; /* memory's */
	uint64_t sectors;
	bool read_only, can_flush;

	pthread_mutex_t lock; /* all below, the rings and the notify register */
	pthread_cond_t slot_free;
	struct slot slot[SLOTS], *free;
	uint16_t used_seen;
};

bool virtio_blk_matches(const struct pci_function *f)
{
	return virtio_matches(f, DEVICE_BLOCK);
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
	uint32_t first, length;

	while (virtio_take_used(&disk->shared->queue, &disk->used_seen, &first, &length)) {
		if (first / CHAIN < SLOTS) {
			disk->slot[first / CHAIN].done = true;
			pthread_cond_signal(&disk->slot[first / CHAIN].finished);
		}
	}
}

static void interrupted(void *self)
{
	struct virtio_blk *disk = self;

	pthread_mutex_lock(&disk->lock);
	reap(disk);
	pthread_mutex_unlock(&disk->lock);
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

/* Hands the slot's chain to the device and waits for it. Lock held. */
static kern_return_t run_slot(struct virtio_blk *disk, struct slot *slot, uint32_t type, uint64_t sector, uint32_t size)
{
	volatile struct shared *s = disk->shared;
	volatile struct virtio_descriptor *head = &s->queue.descriptor[slot->number * CHAIN];
	uint16_t first = (uint16_t)(slot->number * CHAIN);
	struct timespec limit;

	s->header[slot->number].type = type;
	s->header[slot->number].sector = sector;
	s->status[slot->number] = REQUEST_STATUS_PENDING;
	/* Addresses never change; a flush has no data. */
	head[0].next = (uint16_t)(first + (size ? 1 : 2));
	head[1].length = size;
	head[1].flags = (uint16_t)(VIRTIO_NEXT | (type == REQUEST_IN ? VIRTIO_WRITE : 0));
	slot->done = false;
	virtio_offer(&s->queue, first, disk->notify, 0);

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

static void start_memory(struct virtio_blk *disk)
{
	disk->memory = (struct memory *)(void *)disk->virtio.memory;
	memset(&disk->memory->shared, 0, sizeof(disk->memory->shared));
	disk->shared = &disk->memory->shared;
	for (unsigned i = 0; i < SLOTS; i++) {
		struct slot *slot = &disk->slot[i];
		volatile struct virtio_descriptor *chain = &disk->shared->queue.descriptor[i * CHAIN];
		pthread_condattr_t attributes;

		slot->number = i;
		slot->buffer = disk->memory->buffer[i];
		pthread_condattr_init(&attributes);
		pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
		pthread_cond_init(&slot->finished, &attributes);
		slot->next_free = disk->free;
		disk->free = slot;
		chain[0].address = virtio_physical(&disk->virtio, &disk->shared->header[i]);
		chain[0].length = sizeof(struct request_header);
		chain[0].flags = VIRTIO_NEXT;
		chain[1].address = virtio_physical(&disk->virtio, slot->buffer);
		chain[1].next = (uint16_t)(i * CHAIN + 2);
		chain[2].address = virtio_physical(&disk->virtio, &disk->shared->status[i]);
		chain[2].length = 1;
		chain[2].flags = VIRTIO_WRITE;
	}
}

struct virtio_blk *virtio_blk_start(
	const struct pci_function *f, mach_port_t device_master, unsigned number, const char **why)
{
	struct virtio_blk *disk = calloc(1, sizeof(*disk));
	char name[sizeof("dma 4294967295")];
	struct virtio_wish wish = {.memory_name = name,
		.memory_size = sizeof(struct memory),
		.features = 1ull << FEATURE_READ_ONLY | 1ull << FEATURE_FLUSH,
		.interrupt = interrupted,
		.self = disk};
	uint64_t features;

	*why = "no memory";
	if (!disk)
		return NULL;
	snprintf(name, sizeof(name), "dma %u", number);
	pthread_mutex_init(&disk->lock, NULL);
	pthread_cond_init(&disk->slot_free, NULL);
	*why = virtio_start(&disk->virtio, f, device_master, &wish, &features);
	if (!*why) {
		start_memory(disk);
		disk->read_only = features & 1ull << FEATURE_READ_ONLY;
		disk->can_flush = features & 1ull << FEATURE_FLUSH;
		disk->sectors = disk->virtio.config[0] | (uint64_t)disk->virtio.config[1] << 32;
		disk->notify = virtio_start_queue(&disk->virtio, 0, &disk->shared->queue, true);
		if (!disk->notify)
			*why = "its queue does not start";
	}
	if (!*why) {
		virtio_go(&disk->virtio);
		return disk;
	}
	/* What it holds stays: a disk is started once in this task's life, and an interrupt thread may have it. */
	virtio_give_up(&disk->virtio);
	return NULL;
}
