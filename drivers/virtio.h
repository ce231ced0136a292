/* What virtio devices over PCI have in common (virtio 1.1: 2.6 split virtqueues, 4.1 PCI). */
#ifndef DRIVERS_VIRTIO_H
#define DRIVERS_VIRTIO_H

#include "pci.h"

#define VIRTIO_QUEUE_SIZE 32u /* a power of two */

/* 2.6.5: descriptors. */
enum { VIRTIO_NEXT = 1, VIRTIO_WRITE = 2 };
struct virtio_descriptor {
	uint64_t address;
	uint32_t length;
	uint16_t flags, next;
};

/* What the device and we share of a queue. */
struct virtio_queue {
	struct virtio_descriptor descriptor[VIRTIO_QUEUE_SIZE];
	struct {
		uint16_t flags, index, ring[VIRTIO_QUEUE_SIZE], event;
	} available __attribute__((aligned(16)));
	struct {
		uint16_t flags, index;
		struct {
			uint32_t id, length;
		} ring[VIRTIO_QUEUE_SIZE];
		uint16_t event;
	} used __attribute__((aligned(16)));
} __attribute__((aligned(16)));

struct virtio_common;

/* One device, for ever. Its memory for DMA is in one piece, of which the first word is ours (virtio.c). */
struct virtio {
	volatile struct virtio_common *common;
	volatile const uint32_t *config; /* of its kind */
	volatile char *notify;
	unsigned notify_multiplier;
	char *memory;
	void (*interrupt)(void *self); /* in a thread of its own */
	void *self;
	mach_port_t interrupt_port, irq;
};

/* What is wanted of a device. */
struct virtio_wish {
	const char *memory_name; /* by which bootstrap keeps its memory */
	size_t memory_size;
	uint64_t features; /* those that it has of these are agreed on; VIRTIO_1 must be */
	void (*interrupt)(void *self);
	void *self;
};

/* Whether the function is a device of the kind (5), of the modern kind. */
bool virtio_matches(const struct pci_function *f, unsigned kind);
/*
 * Resets the device and agrees on features, finds its memory (as it was left; the device is quiet) and its interrupt.
 * *features: those that count. Null, or why it does not start.
 */
const char *virtio_start(struct virtio *v, const struct pci_function *f, mach_port_t device_master,
	const struct virtio_wish *wish, uint64_t *features);
/* The address of something in its memory as the device has it. */
uint64_t virtio_physical(const struct virtio *v, const volatile void *at);
/*
 * Starts queue `number`, which is in its memory and has been zeroed, with interrupts or without. The register that
 * notifies it; null: there is no such queue.
 */
volatile uint16_t *virtio_start_queue(
	struct virtio *v, unsigned number, volatile struct virtio_queue *queue, bool interrupts);
/* All queues are there; or it is given up. */
void virtio_go(struct virtio *v);
void virtio_give_up(struct virtio *v);

/* Puts a chain on the available ring and notifies the device. */
void virtio_offer(volatile struct virtio_queue *queue, uint16_t first, volatile uint16_t *notify, unsigned number);
/* The next chain that the device has used, and how much it wrote; false: none. *seen is the queue's user's. */
bool virtio_take_used(volatile struct virtio_queue *queue, uint16_t *seen, uint32_t *first, uint32_t *length);

#endif
