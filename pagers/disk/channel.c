/*
 * Virtio console devices (virtio 1.1: 5.3) with one port each, as streams of bytes.
 *
 * The host says when its side of the port opens and closes, by messages in a queue of their own. A stream must not go
 * on in another connection: so what is in the receive queue counts only if, looked at *afterwards*, the queue of
 * messages has no end of the connection. The device puts the end there before it puts a byte of the next connection
 * into the receive queue, and both sides' loads and stores stay in order on x86. When there is an end, all that is in
 * the receive queue by then is thrown away; should the next connection have begun meanwhile, its first bytes are, too:
 * then its user finds no beginning, and asks the other side for another connection.
 */
#include "channel.h"

#include "drivers/virtio.h"

#include <mach/server.h>
#include <servers/bootstrap_user.h>
#include <servers/channel_server.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
	DEVICE_CONSOLE = 3,
	FEATURE_MULTIPORT = 1,

	/* 5.3.2: virtqueues; of port 1, for port 0 is another kind's. */
	PORT = 1,
	QUEUE_MESSAGES_IN = 2,
	QUEUE_MESSAGES_OUT = 3,
	QUEUE_IN = 4,
	QUEUE_OUT = 5,

	/* 5.3.6.2: messages */
	DEVICE_READY = 0,
	PORT_ADD = 1,
	PORT_READY = 3,
	PORT_OPEN = 6,

	CHANNELS_MAX = 4,
	MESSAGES = 16,
	BUFFERS = 16,
	BUFFER_SIZE = 4096,
	OUT_SIZE = 64 << 10,
	TIMEOUT_MAX = 30000,
	CALL_THREADS = 4,
};

struct message {
	uint32_t port;
	uint16_t event, value;
	char rest[56]; /* a name, of which nothing is made */
};

/* All of a device's memory. */
struct memory {
	uint64_t physical;  /* virtio.c's */
	uint64_t instances; /* of this program that have used the device */
	struct virtio_queue in, out, messages_in, messages_out;
	struct message message_in[MESSAGES], message_out[MESSAGES];
	uint8_t in_buffer[BUFFERS][BUFFER_SIZE], out_buffer[OUT_SIZE];
};

static struct channel {
	struct virtio virtio;
	volatile struct memory *memory;
	volatile uint16_t *notify_in, *notify_out, *notify_messages_in, *notify_messages_out;

	pthread_mutex_t lock; /* all below, and the queues */
	pthread_cond_t changed;
	bool added, open, used; /* used: somebody has sent or received by the connection */
	uint64_t connection;    /* its number; of one that is over, too */
	unsigned messages_sent;
	uint16_t messages_seen, in_seen, out_seen;
	uint16_t in_good;                    /* up to there, what is received is of the connection */
	bool out_busy;                       /* the device has the buffer */
	uint32_t in_first, in_at, in_length; /* the buffer that is being read; all read: at is length */
} channels[CHANNELS_MAX];
static unsigned channel_count;

/* --- Messages. */

static void offer(struct channel *c, volatile struct virtio_queue *queue, uint16_t number, const volatile void *data,
	uint32_t length, uint16_t flags)
{
	queue->descriptor[number].address = virtio_physical(&c->virtio, data);
	queue->descriptor[number].length = length;
	queue->descriptor[number].flags = flags;
}

static void offer_in(struct channel *c, uint32_t number)
{
	offer(c, &c->memory->in, (uint16_t)number, c->memory->in_buffer[number], BUFFER_SIZE, VIRTIO_WRITE);
	virtio_offer(&c->memory->in, (uint16_t)number, c->notify_in, QUEUE_IN);
}

static void offer_message(struct channel *c, uint32_t number)
{
	offer(c, &c->memory->messages_in, (uint16_t)number, &c->memory->message_in[number], sizeof(struct message),
		VIRTIO_WRITE);
	virtio_offer(&c->memory->messages_in, (uint16_t)number, c->notify_messages_in, QUEUE_MESSAGES_IN);
}

/* A few in the device's life. */
static void say(struct channel *c, uint32_t port, uint16_t event, uint16_t value)
{
	uint16_t number = (uint16_t)c->messages_sent++;
	volatile struct message *message = &c->memory->message_out[number];

	message->port = port;
	message->event = event;
	message->value = value;
	offer(c, &c->memory->messages_out, number, message, offsetof(struct message, rest), 0);
	virtio_offer(&c->memory->messages_out, number, c->notify_messages_out, QUEUE_MESSAGES_OUT);
}

/* Nothing that is received by now is of any connection to come. */
static void end_connection(struct channel *c)
{
	uint32_t first, length;

	c->open = false;
	if (c->in_at < c->in_length)
		offer_in(c, c->in_first);
	c->in_at = c->in_length = 0;
	while (virtio_take_used(&c->memory->in, &c->in_seen, &first, &length))
		if (first < BUFFERS)
			offer_in(c, first);
	c->in_good = c->in_seen;
}

static void hear(struct channel *c, const volatile struct message *message)
{
	if (message->port != PORT)
		return;
	if (message->event == PORT_ADD && !c->added) {
		c->added = true;
		say(c, PORT, PORT_READY, 1);
		say(c, PORT, PORT_OPEN, 1);
	} else if (message->event == PORT_OPEN && !message->value) {
		end_connection(c);
	} else if (message->event == PORT_OPEN && !c->open) {
		c->open = true;
		c->used = false;
		c->connection++;
	}
}

/* What the device has done since the last look. Lock held. */
static void look(struct channel *c)
{
	uint16_t good = c->memory->in.used.index; /* before the messages: see above */
	uint32_t first, length;
	uint64_t connection = c->connection;
	bool was_open = c->open;

	__asm__ volatile("" : : : "memory");
	while (virtio_take_used(&c->memory->messages_in, &c->messages_seen, &first, &length)) {
		if (first >= MESSAGES)
			continue;
		if (length >= offsetof(struct message, rest))
			hear(c, &c->memory->message_in[first]);
		offer_message(c, first);
	}
	if (was_open && c->open && connection == c->connection)
		c->in_good = good;
	while (virtio_take_used(&c->memory->out, &c->out_seen, &first, &length))
		c->out_busy = false;
	pthread_cond_broadcast(&c->changed);
}

static void interrupted(void *self)
{
	struct channel *c = self;

	pthread_mutex_lock(&c->lock);
	look(c);
	pthread_mutex_unlock(&c->lock);
}

/* --- Start. */

bool channel_matches(const struct pci_function *f)
{
	return virtio_matches(f, DEVICE_CONSOLE);
}

static bool start_queues(struct channel *c)
{
	volatile struct memory *m = c->memory;

	c->notify_messages_in = virtio_start_queue(&c->virtio, QUEUE_MESSAGES_IN, &m->messages_in, true);
	c->notify_messages_out = virtio_start_queue(&c->virtio, QUEUE_MESSAGES_OUT, &m->messages_out, false);
	c->notify_in = virtio_start_queue(&c->virtio, QUEUE_IN, &m->in, true);
	c->notify_out = virtio_start_queue(&c->virtio, QUEUE_OUT, &m->out, true);
	return c->notify_messages_in && c->notify_messages_out && c->notify_in && c->notify_out;
}

/* Of a device that an earlier instance used, somebody may have had the connection. */
static void start_streams(struct channel *c)
{
	for (uint32_t i = 0; i < MESSAGES; i++)
		offer_message(c, i);
	for (uint32_t i = 0; i < BUFFERS; i++)
		offer_in(c, i);
	say(c, 0, DEVICE_READY, 1);
}

const char *channel_start(const struct pci_function *f, mach_port_t device_master)
{
	struct channel *c = &channels[channel_count];
	char name[sizeof("channel 4294967295")];
	struct virtio_wish wish = {.memory_name = name,
		.memory_size = sizeof(struct memory),
		.features = 1ull << FEATURE_MULTIPORT,
		.interrupt = interrupted,
		.self = c};
	pthread_condattr_t attributes;
	const char *why;
	uint64_t features;

	if (channel_count == CHANNELS_MAX)
		return "there are too many";
	snprintf(name, sizeof(name), "channel %u", channel_count);
	pthread_mutex_init(&c->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&c->changed, &attributes);
	channel_count++; /* also of one that does not start: an interrupt thread may have it */
	why = virtio_start(&c->virtio, f, device_master, &wish, &features);
	if (!why && !(features & 1ull << FEATURE_MULTIPORT))
		why = "it has no ports";
	if (!why) {
		c->memory = (volatile struct memory *)(void *)c->virtio.memory;
		memset(c->virtio.memory + offsetof(struct memory, in), 0,
			offsetof(struct memory, message_in) - offsetof(struct memory, in));
		c->connection = ++c->memory->instances << 32;
		if (!start_queues(c))
			why = "its queues do not start";
	}
	if (why) {
		virtio_give_up(&c->virtio);
		return why;
	}
	virtio_go(&c->virtio);
	pthread_mutex_lock(&c->lock);
	start_streams(c);
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

/* --- channel.defs. A connection's number has that of its channel in its last bits. */

static uint64_t number_of(const struct channel *c)
{
	return c->connection * CHANNELS_MAX + (uint64_t)(c - channels);
}

static struct timespec limit_of(unsigned timeout)
{
	struct timespec limit;

	if (timeout > TIMEOUT_MAX)
		timeout = TIMEOUT_MAX;
	clock_gettime(CLOCK_MONOTONIC, &limit);
	limit.tv_sec += timeout / 1000;
	limit.tv_nsec += timeout % 1000 * 1000000;
	if (limit.tv_nsec >= 1000000000) {
		limit.tv_sec++;
		limit.tv_nsec -= 1000000000;
	}
	return limit;
}

/* False: the time is over. Lock held, and then a look was taken. */
static bool wait_for_change(struct channel *c, const struct timespec *limit)
{
	int error = pthread_cond_timedwait(&c->changed, &c->lock, limit);

	look(c);
	return error == 0;
}

static bool is_there(const struct channel *c, uint64_t connection)
{
	return c->open && number_of(c) == connection;
}

kern_return_t S_channel_connect(
	mach_port_t channel, const char *name, uint64_t after, unsigned timeout, uint64_t *connection, boolean_t *fresh)
{
	struct timespec limit = limit_of(timeout);
	struct channel *c = NULL;
	kern_return_t result = KERN_SUCCESS;

	(void)channel;
	for (unsigned i = 0; i < channel_count; i++) {
		char text[sizeof("channel4294967295")];

		snprintf(text, sizeof(text), "channel%u", i);
		if (strcmp(name, text) == 0 && channels[i].memory)
			c = &channels[i];
	}
	if (!c)
		return KERN_INVALID_NAME;
	pthread_mutex_lock(&c->lock);
	look(c);
	while (result == KERN_SUCCESS && !(c->open && number_of(c) != after))
		if (!wait_for_change(c, &limit) && !(c->open && number_of(c) != after))
			result = KERN_TIMEDOUT;
	if (result == KERN_SUCCESS) {
		*connection = number_of(c);
		/*
		 * Not who asked for it first: that may be a call of one who has died since. The first connection of an
		 * instance that is not the first may have been used by the one before.
		 */
		*fresh = !c->used && (c->memory->instances == 1 || (uint32_t)c->connection != 1);
	}
	pthread_mutex_unlock(&c->lock);
	return result;
}

kern_return_t S_channel_send(
	mach_port_t channel, uint64_t connection, pointer_t data, mach_msg_type_number_t count, unsigned timeout)
{
	struct channel *c = &channels[connection % CHANNELS_MAX];
	struct timespec limit = limit_of(timeout);
	kern_return_t result = KERN_SUCCESS;

	(void)channel;
	if (!c->memory)
		return KERN_TERMINATED;
	pthread_mutex_lock(&c->lock);
	look(c);
	for (uint32_t done = 0; done < count && result == KERN_SUCCESS;) {
		uint32_t part = count - done < OUT_SIZE ? count - done : OUT_SIZE;

		if (!is_there(c, connection)) {
			result = KERN_TERMINATED;
		} else if (c->out_busy) {
			if (!wait_for_change(c, &limit) && c->out_busy)
				result = KERN_TIMEDOUT;
		} else {
			memcpy((void *)c->memory->out_buffer, (const char *)data + done, part);
			offer(c, &c->memory->out, 0, c->memory->out_buffer, part, 0);
			c->out_busy = c->used = true;
			virtio_offer(&c->memory->out, 0, c->notify_out, QUEUE_OUT);
			done += part;
		}
	}
	pthread_mutex_unlock(&c->lock);
	if (result == KERN_SUCCESS)
		mig_deallocate(data, count);
	return result;
}

/* Copies what has been received; how much. */
static uint64_t take_received(struct channel *c, char *to, uint64_t most)
{
	uint64_t got = 0;

	while (got < most) {
		uint32_t part = c->in_length - c->in_at;

		if (part == 0) {
			if (c->in_seen == c->in_good)
				break;
			virtio_take_used(&c->memory->in, &c->in_seen, &c->in_first, &c->in_length);
			c->in_at = 0;
			/* What the device says of its own queue is not to be believed. */
			if (c->in_first >= BUFFERS || c->in_length > BUFFER_SIZE)
				c->in_length = 0;
			if (c->in_length == 0 && c->in_first < BUFFERS)
				offer_in(c, c->in_first);
			continue;
		}
		if (part > most - got)
			part = (uint32_t)(most - got);
		memcpy(to + got, (const char *)c->memory->in_buffer[c->in_first] + c->in_at, part);
		got += part;
		c->in_at += part;
		if (c->in_at == c->in_length)
			offer_in(c, c->in_first);
	}
	return got;
}

kern_return_t S_channel_receive(mach_port_t channel, uint64_t connection, uint64_t most, unsigned timeout,
	pointer_t *data, mach_msg_type_number_t *count)
{
	struct channel *c = &channels[connection % CHANNELS_MAX];
	struct timespec limit = limit_of(timeout);
	vm_address_t address = 0;
	kern_return_t result = KERN_SUCCESS;
	uint64_t got = 0;

	(void)channel;
	if (!c->memory)
		return KERN_TERMINATED;
	if (most > (uint64_t)BUFFERS * BUFFER_SIZE)
		most = (uint64_t)BUFFERS * BUFFER_SIZE;
	if (most == 0)
		return KERN_INVALID_ARGUMENT;
	result = vm_allocate(mach_task_self(), &address, round_page(most), TRUE);
	if (result != KERN_SUCCESS)
		return result;
	pthread_mutex_lock(&c->lock);
	look(c);
	while (result == KERN_SUCCESS && got == 0) {
		if (!is_there(c, connection))
			result = KERN_TERMINATED;
		else if ((got = take_received(c, (char *)address, most)) == 0 && !wait_for_change(c, &limit) &&
			 is_there(c, connection) && (got = take_received(c, (char *)address, most)) == 0)
			result = KERN_TIMEDOUT;
	}
	c->used |= got != 0;
	pthread_mutex_unlock(&c->lock);
	if (result != KERN_SUCCESS) {
		vm_deallocate(mach_task_self(), address, round_page(most));
		return result;
	}
	if (round_page(got) < round_page(most))
		vm_deallocate(mach_task_self(), address + round_page(got), round_page(most) - round_page(got));
	*data = address;
	*count = (mach_msg_type_number_t)got;
	return KERN_SUCCESS;
}

void channel_serve(mach_port_t bootstrap)
{
	static const struct mig_subsystem *const calls[] = {&channel_subsystem, NULL};
	mach_port_t set, service;
	kern_return_t result = bootstrap_check_in(bootstrap, "channel", &service);

	if (result == KERN_INVALID_NAME)
		return;
	if (result == KERN_SUCCESS)
		result = mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &set);
	if (result == KERN_SUCCESS)
		result = mach_port_move_member(mach_task_self(), service, set);
	if (result == KERN_SUCCESS)
		result = mach_server_start_threads(set, calls, CALL_THREADS);
	if (result != KERN_SUCCESS)
		fprintf(stderr, "channels are not served: %s\n", mach_error_string(result));
}
