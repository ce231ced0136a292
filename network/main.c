/* The network server: TCP/IP by lwIP, for one client (servers/network.defs). One thread receives, works, and tells. */
#include "network.h"

#include <lwip/init.h>
#include <lwip/netif.h>
#include <lwip/sys.h>
#include <lwip/timeouts.h>
#include <mach/notify_server.h>
#include <mach/server.h>
#include <servers/bootstrap_user.h>
#include <servers/ether_client_server.h>
#include <servers/network_server.h>

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#define MESSAGE_SIZE (NETWORK_DATAGRAM_SIZE + 512) /* the longest that comes */
#define TELL_AGAIN   2u                            /* ms, when the client's queue was full */
#define BATCH        16u                           /* requests that are served before anything is told */

mach_port_t port_set;
char service_object;

/* --- What lwIP asks for. */

uint32_t network_random(void)
{
	uint32_t number;

	while (getrandom(&number, sizeof number, 0) != sizeof number)
		;
	return number;
}

u32_t sys_now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (u32_t)((uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000);
}

/* --- The loop. */

static void check(const char *what, kern_return_t result)
{
	if (result == KERN_SUCCESS)
		return;
	fprintf(stderr, "cannot go on: %s: %s\n", what, mach_error_string(result));
	exit(1);
}

/* Requests and notifications are all without an answer. */
static void serve(mach_msg_header_t *request)
{
	const mach_msg_trailer_t *trailer = (const void *)((char *)request + ((request->msgh_size + 7) & ~7u));
	union {
		mach_msg_header_t header;
		char bytes[256];
	} reply;

	mach_request_payload_ = trailer->msgh_payload;
	if (network_server(request, &reply.header) || ether_client_server(request, &reply.header) ||
		notify_server(request, &reply.header))
		return;
	mach_msg_destroy(request);
}

/* False: none came. timeout: ms. */
static bool receive(mach_msg_timeout_t timeout)
{
	static union {
		mach_msg_header_t header;
		char bytes[MESSAGE_SIZE];
	} in;
	mach_msg_return_t result =
		mach_msg(&in.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof in, port_set, timeout, MACH_PORT_NULL);

	if (result == MACH_MSG_SUCCESS)
		serve(&in.header);
	return result == MACH_MSG_SUCCESS;
}

static _Noreturn void run(void)
{
	bool more = false;

	for (;;) {
		uint32_t sleep = sys_timeouts_sleeptime();

		if (more && sleep > TELL_AGAIN)
			sleep = TELL_AGAIN;
		if (receive(sleep))
			for (unsigned i = 1; i < BATCH && receive(0); i++)
				;
		sys_check_timeouts();
		netif_poll_all();
		card_flush();
		more = client_tell();
	}
}

int main(void)
{
	mach_port_t bootstrap, service;

	/* What the heap needs no more goes back to the kernel. */
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_TRIM_THRESHOLD, 256 << 10);
	check("no bootstrap port", task_get_special_port(mach_task_self(), TASK_BOOTSTRAP_PORT, &bootstrap));
	check("no port set", mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &port_set));
	lwip_init();
	errors_start();
	check("no service port", bootstrap_check_in(bootstrap, "network", &service));
	check("no service port",
		mach_port_set_protected_payload(mach_task_self(), service, (uintptr_t)&service_object));
	check("no service port", mach_port_set_qlimit(mach_task_self(), service, NETWORK_CLIENT_QUEUE));
	check("no service port", mach_port_move_member(mach_task_self(), service, port_set));
	card_start(bootstrap, port_set);
	run();
}
