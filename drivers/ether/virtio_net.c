/*
 * The card's two queues. A frame that comes in is in a buffer of the device's memory and is copied out of it at once;
 * one that goes out is copied there. So no right to anybody else's memory is ever given to the device.
 */
#include "virtio_net.h"

#include "drivers/virtio.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

enum {
	DEVICE_NET = 1,
	FEATURE_MAC = 5,
	QUEUE_IN = 0,
	QUEUE_OUT = 1,
	BUFFER_SIZE = 2048,
	ADDRESS_SIZE = 6,
	PATIENCE = 1,     /* seconds */
	NO_INTERRUPT = 1, /* 2.6.6: of the available ring's flags */
};

/* 5.1.6: before each frame. Nothing in it is used: all checksums are whole, no frame is several. */
struct header {
	uint8_t flags, gso_type;
	uint16_t header_length, gso_size, checksum_start, checksum_offset, buffers;
};

struct buffer {
	struct header header;
	uint8_t frame[BUFFER_SIZE - sizeof(struct header)];
};

/* All of the device's memory. */
struct memory {
	uint64_t physical; /* virtio.c's */
	struct virtio_queue in, out;
	struct buffer in_buffer[VIRTIO_QUEUE_SIZE], out_buffer[VIRTIO_QUEUE_SIZE];
};

static struct virtio virtio;
static volatile struct memory *memory;
static volatile uint16_t *notify_in, *notify_out;
static uint8_t address[ADDRESS_SIZE];
static void (*give)(const void *frame, unsigned size);

static uint16_t in_seen;                                 /* the interrupt's thread's */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* all below, and the queue out */
static pthread_cond_t room;
static uint16_t out_seen;
static unsigned free_count, free_number[VIRTIO_QUEUE_SIZE];

bool virtio_net_matches(const struct pci_function *f)
{
	return virtio_matches(f, DEVICE_NET);
}

const uint8_t *virtio_net_address(void)
{
	return address;
}

/* --- In. */

static void offer_in(uint32_t number)
{
	volatile struct virtio_descriptor *descriptor = &memory->in.descriptor[number];

	descriptor->address = virtio_physical(&virtio, &memory->in_buffer[number]);
	descriptor->length = sizeof(struct buffer);
	descriptor->flags = VIRTIO_WRITE;
	virtio_offer(&memory->in, (uint16_t)number, notify_in, QUEUE_IN);
}

static void take_in(void)
{
	uint8_t frame[VIRTIO_NET_FRAME];
	uint32_t number, length;
	bool some = false;

	while (virtio_take_used(&memory->in, &in_seen, &number, &length)) {
		/* What the device says of its own queue is not to be believed. */
		if (number >= VIRTIO_QUEUE_SIZE)
			continue;
		if (length > sizeof(struct header) && length - sizeof(struct header) <= sizeof frame) {
			length -= (uint32_t)sizeof(struct header);
			memcpy(frame, (const void *)memory->in_buffer[number].frame, length);
			give(frame, length);
			some = true;
		}
		offer_in(number);
	}
	if (some)
		give(NULL, 0);
}

/* --- Out. */

/* Lock held. */
static void take_out(void)
{
	uint32_t number, length;

	while (virtio_take_used(&memory->out, &out_seen, &number, &length))
		if (number < VIRTIO_QUEUE_SIZE && free_count < VIRTIO_QUEUE_SIZE)
			free_number[free_count++] = number;
}

static void interrupted(void *self)
{
	(void)self;
	if (!memory)
		return;
	pthread_mutex_lock(&lock);
	take_out();
	if (free_count != 0)
		pthread_cond_broadcast(&room);
	pthread_mutex_unlock(&lock);
	take_in();
}

/* Lock held. False: the card takes nothing. */
static bool wait_for_room(void)
{
	struct timespec limit;
	int error = 0;

	take_out();
	if (free_count != 0)
		return true;
	clock_gettime(CLOCK_MONOTONIC, &limit);
	limit.tv_sec += PATIENCE;
	/* Only then are interrupts of this queue wanted; what was used before they were is seen by the second look. */
	memory->out.available.flags = 0;
	__asm__ volatile("mfence" : : : "memory");
	take_out();
	while (free_count == 0 && error == 0)
		error = pthread_cond_timedwait(&room, &lock, &limit);
	memory->out.available.flags = NO_INTERRUPT;
	return free_count != 0;
}

void virtio_net_send(const void *frame, unsigned size)
{
	volatile struct virtio_descriptor *descriptor;
	volatile struct buffer *buffer;
	unsigned number;

	if (size > VIRTIO_NET_FRAME)
		return;
	pthread_mutex_lock(&lock);
	if (wait_for_room()) {
		number = free_number[--free_count];
		buffer = &memory->out_buffer[number];
		memset((void *)&buffer->header, 0, sizeof buffer->header);
		memcpy((void *)buffer->frame, frame, size);
		descriptor = &memory->out.descriptor[number];
		descriptor->address = virtio_physical(&virtio, buffer);
		descriptor->length = (uint32_t)sizeof buffer->header + size;
		descriptor->flags = 0;
		virtio_offer(&memory->out, (uint16_t)number, notify_out, QUEUE_OUT);
	}
	pthread_mutex_unlock(&lock);
}

/* --- Start. */

static const char *start_queues(void)
{
	volatile struct memory *m = (volatile struct memory *)(void *)virtio.memory;

	memset((void *)&m->in, 0, sizeof m->in);
	memset((void *)&m->out, 0, sizeof m->out);
	notify_in = virtio_start_queue(&virtio, QUEUE_IN, &m->in, true);
	notify_out = virtio_start_queue(&virtio, QUEUE_OUT, &m->out, true);
	if (!notify_in || !notify_out)
		return "its queues do not start";
	m->out.available.flags = NO_INTERRUPT;
	for (unsigned i = 0; i < VIRTIO_QUEUE_SIZE; i++)
		free_number[free_count++] = i;
	memory = m;
	return NULL;
}

const char *virtio_net_start(
	const struct pci_function *f, mach_port_t device_master, void (*received)(const void *frame, unsigned size))
{
	struct virtio_wish wish = {.memory_name = "frames",
		.memory_size = sizeof(struct memory),
		.features = 1ull << FEATURE_MAC,
		.interrupt = interrupted};
	pthread_condattr_t attributes;
	uint64_t features;
	const char *why;

	give = received;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&room, &attributes);
	why = virtio_start(&virtio, f, device_master, &wish, &features);
	if (!why && !(features & 1ull << FEATURE_MAC))
		why = "it has no address";
	if (!why)
		why = start_queues();
	if (why) {
		virtio_give_up(&virtio);
		return why;
	}
	/* 5.1.4: the first six bytes of its configuration. */
	for (unsigned i = 0; i < ADDRESS_SIZE; i++)
		address[i] = ((volatile const uint8_t *)virtio.config)[i];
	virtio_go(&virtio);
	for (uint32_t i = 0; i < VIRTIO_QUEUE_SIZE; i++)
		offer_in(i);
	return NULL;
}
