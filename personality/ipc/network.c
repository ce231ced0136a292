/* The network server: started when first needed, attached to, and attached to again when it has died. See network.h. */
#include "ipc/network.h"

#include <errno.h>
#include <mach/mach.h>
#include <mach/notify_server.h>
#include <mach/server.h>
#include <poll.h>
#include <servers/bootstrap_user.h>
#include <servers/network_client_server.h>
#include <servers/network_user.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/user.h"
#include "call/call.h"
#include "call/dispatch.h"
#include "call/fiber.h"
#include "ipc/inet.h"

#define MESSAGE_SIZE    (NETWORK_DATAGRAM_SIZE + 512)
#define INTERFACES_MOST (NETWORK_INTERFACES_SIZE / sizeof(struct network_interface))
#define LOOK_PATIENCE   5000000000ull /* ns */
#define ATTACH_AGAIN    20            /* ms */

static enum { NONE, STARTING, THERE, GONE } state;
static struct wait_queue starting = WAIT_QUEUE_INITIALIZER(starting);
static mach_port_t service; /* send right */
static mach_port_t news;    /* port set: the receive right where news come, */
static mach_port_t client;
static uint64_t instance; /* its payload: counts what was attached to */
static uint64_t last_id;

/* A fiber that waits for news of the interfaces. */
struct look {
	struct list link;
	struct timer timer;
	struct fiber *fiber;
	bool settled;
};

static struct list looks = LIST_INITIALIZER(looks);
static struct network_interface interfaces[INTERFACES_MOST];
static unsigned interface_count;
static network_settings_t settings;

static void end_look(struct look *look)
{
	if (list_empty(&look->link))
		return;
	list_remove(&look->link);
	fiber_wake(look->fiber);
}

/* --- Life. */

/* The server is gone for good. Lock held. */
static void give_up(void)
{
	state = GONE;
	list_for_each (link, &inets) {
		inet_close(list_entry(link, struct inet, all));
		inet_over(list_entry(link, struct inet, all), ENETDOWN);
	}
	list_for_each_safe (link, &looks)
		end_look(list_entry(link, struct look, link));
	wait_queue_wake(&starting, 0);
}

/*
 * Becomes the client of the instance that is there, or the next. Without the lock, for the queue may be full of what
 * the one before has left. False: there is none any more.
 */
static bool attach(void)
{
	mach_port_t port, previous = MACH_PORT_NULL;
	kern_return_t result;

	if (mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &port) != KERN_SUCCESS)
		return false;
	result = mach_port_set_protected_payload(mach_task_self(), port, ++instance);
	if (result == KERN_SUCCESS)
		result = mach_port_set_qlimit(mach_task_self(), port, NETWORK_CLIENT_QUEUE);
	if (result == KERN_SUCCESS)
		result = mach_port_move_member(mach_task_self(), port, news);
	while (result == KERN_SUCCESS && (result = network_attach(service, port)) == MACH_SEND_TIMED_OUT) {
		thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, ATTACH_AGAIN);
		result = KERN_SUCCESS;
	}
	/* After the right has been made: else there were none, and that would be said at once. */
	if (result == KERN_SUCCESS)
		result = mach_port_request_notification(mach_task_self(), port, MACH_NOTIFY_NO_SENDERS, 1, port,
			MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous);
	if (result != KERN_SUCCESS) {
		mach_port_destroy(mach_task_self(), port);
		return false;
	}
	client = port;
	return true;
}

/* The instance has died. Lock held; released meanwhile. */
static void restart(void)
{
	bool there;

	mach_port_destroy(mach_task_self(), client);
	client = MACH_PORT_NULL;
	state = STARTING;
	server_unlock();
	there = attach();
	server_lock();
	if (!there) {
		give_up();
		return;
	}
	state = THERE;
	wait_queue_wake(&starting, 0);
	list_for_each (link, &inets)
		inet_again(list_entry(link, struct inet, all));
}

static void serve(mach_msg_header_t *message)
{
	const mach_msg_trailer_t *trailer = (const void *)((char *)message + ((message->msgh_size + 7) & ~7u));
	union {
		mach_msg_header_t header;
		char bytes[256];
	} reply;

	/* What an instance before has said is of sockets that are not its any more. */
	if (trailer->msgh_payload != instance)
		mach_msg_destroy(message);
	else if (message->msgh_id == MIG_ID_mach_notify_no_senders)
		restart();
	else if (!network_client_server(message, &reply.header))
		mach_msg_destroy(message);
}

static void *thread(void *argument)
{
	static union {
		mach_msg_header_t header;
		char bytes[MESSAGE_SIZE];
	} in;
	mach_port_t bootstrap;
	kern_return_t result = mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &news);
	bool there;

	(void)argument;
	if (result == KERN_SUCCESS)
		result = task_get_special_port(mach_task_self(), TASK_BOOTSTRAP_PORT, &bootstrap);
	/* Here it is started, and this thread waits for it. */
	if (result == KERN_SUCCESS)
		result = bootstrap_look_up(bootstrap, "network", &service);
	there = result == KERN_SUCCESS && attach();
	server_lock();
	if (!there) {
		give_up();
		server_leave();
		return NULL;
	}
	state = THERE;
	wait_queue_wake(&starting, 0);
	server_leave();
	while (mach_msg(&in.header, MACH_RCV_MSG, 0, sizeof in, news, 0, MACH_PORT_NULL) == MACH_MSG_SUCCESS) {
		server_lock();
		serve(&in.header);
		server_leave();
	}
	return NULL;
}

static bool start(void)
{
	if (state == NONE)
		state = server_thread_try(thread) ? STARTING : NONE;
	return state != NONE;
}

int64_t network_need(struct call *call)
{
	if (state == THERE)
		return 0;
	if (state == GONE)
		return -EAFNOSUPPORT;
	return start() ? call_wait_for(call, &starting) : -ENOMEM;
}

/* Whether it is known what address the card has, as far as that matters for what goes there. */
static bool is_settled_for(const network_address_t *to)
{
	static const uint8_t any[15];

	if (to->family == AF_INET6) /* :: and ::1 are here */
		return settings.settled6 || (memcmp(to->ip, any, sizeof any) == 0 && to->ip[15] <= 1);
	return settings.settled || to->family == 0 || to->ip[0] == IN_LOOPBACKNET || to->ip[0] == 0;
}

int64_t network_need_way(struct call *call, const network_address_t *to)
{
	int64_t result = network_need(call);

	if (result != 0 || is_settled_for(to))
		return result;
	return call_wait_for(call, &starting);
}

/* --- Sockets' ports. */

uint64_t network_new_id(void)
{
	return ++last_id;
}

mach_port_t network_socket_open(struct inet *inet, uint64_t *id)
{
	mach_port_t port;

	if (state != THERE || mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &port) != KERN_SUCCESS)
		return MACH_PORT_NULL;
	*id = network_new_id();
	if (mach_port_set_qlimit(mach_task_self(), port, NETWORK_QUEUE) != KERN_SUCCESS ||
		mach_port_insert_right(mach_task_self(), port, port, MACH_MSG_TYPE_MAKE_SEND) != KERN_SUCCESS ||
		network_socket(service, port, *id, inet->kind, (unsigned)inet->family, (unsigned)inet->protocol) !=
			KERN_SUCCESS) {
		mach_port_destroy(mach_task_self(), port);
		return MACH_PORT_NULL;
	}
	return port;
}

void network_socket_close(mach_port_t port)
{
	mach_port_deallocate(mach_task_self(), port);
}

/* --- News. With the lock. */

kern_return_t S_network_done(mach_port_t port, uint64_t id, unsigned error, network_address_t local)
{
	struct inet *inet = inet_of_id(id);

	(void)port;
	if (inet == NULL)
		return KERN_SUCCESS;
	if (inet->ignored > 0) {
		inet->ignored--;
		if (error != 0)
			inet_over(inet, (int)error);
		return KERN_SUCCESS;
	}
	if (inet->answered == inet->asked)
		return KERN_SUCCESS;
	if (error == 0 || local.port != 0)
		inet->local = local;
	inet->bound |= error == 0 && inet->state != INET_CONNECTING;
	inet->answered = inet->asked;
	inet->outcome = -(int)error;
	if (inet->state == INET_CONNECTING && error == 0) {
		inet->state = INET_CONNECTED;
		inet_changed(inet, POLLOUT);
	} else if (inet->state == INET_CONNECTING) {
		inet_close(inet);
		inet_over(inet, (int)error);
	} else {
		inet_changed(inet, 0);
	}
	return KERN_SUCCESS;
}

kern_return_t S_network_arrived(
	mach_port_t port, uint64_t id, mach_port_t socket, network_address_t remote, network_address_t local)
{
	struct inet *inet = inet_of_id(id);
	struct inet_arrival *arrival = NULL;

	(void)port;
	if (inet != NULL && inet->state == INET_LISTENING && inet->arrival_count <= inet->backlog)
		arrival = user_alloc(user_of_memory(inet), sizeof *arrival);
	if (arrival != NULL && !user_take_bytes(user_of_memory(inet), NETWORK_STREAM_SIZE)) {
		user_free(arrival);
		arrival = NULL;
	}
	if (arrival == NULL) {
		network_socket_close(socket);
		return KERN_SUCCESS;
	}
	arrival->port = socket;
	arrival->remote = remote;
	arrival->local = local;
	list_append(&inet->arrivals, &arrival->link);
	inet->arrival_count++;
	inet_changed(inet, POLLIN);
	return KERN_SUCCESS;
}

kern_return_t S_network_data(mach_port_t port, uint64_t id, const char *data, mach_msg_type_number_t count)
{
	struct inet *inet = inet_of_id(id);

	(void)port;
	if (inet == NULL || !inet_is_stream(inet) || inet->state != INET_CONNECTED)
		return KERN_SUCCESS;
	/* More than it may send: it is not to be believed. */
	if (inet->queued + count > NETWORK_STREAM_SIZE || !inet_deliver(inet, &inet->remote, data, count)) {
		inet_close(inet);
		inet_over(inet, ENOBUFS);
	}
	return KERN_SUCCESS;
}

kern_return_t S_network_datagram(
	mach_port_t port, uint64_t id, network_address_t address, const char *data, mach_msg_type_number_t count)
{
	struct inet *inet = inet_of_id(id);

	(void)port;
	if (inet != NULL && !inet_is_stream(inet) && inet->cost + count <= inet->receive_size &&
		!inet_filters(inet, data, count))
		inet_deliver(inet, &address, data, count); /* or it is lost, as datagrams are */
	return KERN_SUCCESS;
}

kern_return_t S_network_room(mach_port_t port, uint64_t id, unsigned bytes, unsigned messages)
{
	struct inet *inet = inet_of_id(id);

	(void)port;
	if (inet == NULL)
		return KERN_SUCCESS;
	inet_sent(inet, bytes);
	inet->flying -= messages < inet->flying ? messages : inet->flying;
	wait_queue_wake(&inet->room, POLLOUT);
	if (inet_is_writable(inet))
		wait_queue_wake(&inet->queue, POLLOUT);
	return KERN_SUCCESS;
}

kern_return_t S_network_finished(mach_port_t port, uint64_t id)
{
	struct inet *inet = inet_of_id(id);

	(void)port;
	if (inet != NULL && inet_is_stream(inet) && !inet->finished) {
		inet->finished = true;
		inet_changed(inet, POLLIN | POLLRDHUP | (inet->out_shut ? POLLHUP : 0));
	}
	return KERN_SUCCESS;
}

kern_return_t S_network_failed(mach_port_t port, uint64_t id, unsigned error)
{
	struct inet *inet = inet_of_id(id);

	(void)port;
	if (inet == NULL)
		return KERN_SUCCESS;
	if (inet_is_stream(inet)) {
		/* Who has been told of the end does not wait for more. */
		if (error == ECONNRESET && inet->finished)
			error = EPIPE;
		inet_close(inet);
		inet_over(inet, (int)error);
	} else {
		inet->error = (int)error;
		inet_changed(inet, POLLERR);
	}
	return KERN_SUCCESS;
}

/* --- Interfaces. */

kern_return_t S_network_interfaces(
	mach_port_t port, network_settings_t now, const char *list, mach_msg_type_number_t size)
{
	(void)port;
	interface_count = size / (unsigned)sizeof interfaces[0];
	memcpy(interfaces, list, interface_count * sizeof interfaces[0]);
	for (unsigned i = 0; i < interface_count; i++)
		interfaces[i].name[sizeof interfaces[i].name - 1] = 0;
	settings = now;
	if (settings.settled || settings.settled6)
		wait_queue_wake(&starting, 0);
	list_for_each_safe (link, &looks) {
		struct look *look = list_entry(link, struct look, link);

		if (!look->settled || settings.settled)
			end_look(look);
	}
	return KERN_SUCCESS;
}

static void look_is_late(struct timer *timer)
{
	end_look(list_entry(timer, struct look, timer));
}

static void look_is_killed(void *argument)
{
	end_look(argument);
}

/* Until the server is there, or not. False: the caller is killed, or it takes too long. */
static void wait_for_news(bool settled)
{
	struct look look = {.fiber = fiber_self(), .settled = settled, .timer.fire = look_is_late};

	list_append(&looks, &look.link);
	if (!timer_set(&look.timer, clock_monotonic() + LOOK_PATIENCE) || !fiber_wait(look_is_killed, &look))
		list_remove(&look.link);
	timer_cancel(&look.timer);
}

unsigned network_look(struct network_interface *list, unsigned most, network_settings_t *out, bool settled)
{
	unsigned count;

	/* One that has just been started says so by itself. */
	if (state == THERE)
		network_report(service);
	if (state == THERE || (state != GONE && start()))
		wait_for_news(settled);
	count = interface_count < most ? interface_count : most;
	memcpy(list, interfaces, count * sizeof list[0]);
	*out = settings;
	return state == GONE ? 0 : count;
}
