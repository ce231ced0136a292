/* The golden interface's server: one port served by mach_server_run, one by a loop that knows mach_msg only. */
#include "golden.h"

#include "golden_serve.h"
#include "state_server.h"

#include <mach/server.h>
#include <pthread.h>
#include <servers/bootstrap_user.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static mach_port_t message_port, object_port, message_object_port, message_set;

kern_return_t S_golden_usage(mach_port_t server, int *names, int *references, int64_t *bytes)
{
	(void)server;
	*names = (int)lb_rights();
	*references = (int)lb_references();
	*bytes = (int64_t)lb_memory();
	return KERN_SUCCESS;
}

kern_return_t S_golden_let_go(mach_port_t server, int which)
{
	(void)server;
	if (which == 0)
		golden_drop_pair();
	else
		lb_drop(golden_last);
	return KERN_SUCCESS;
}

kern_return_t S_golden_object_port(mach_port_t server, int by_messages, mach_port_t *port)
{
	(void)server;
	*port = by_messages ? message_object_port : object_port;
	return KERN_SUCCESS;
}

kern_return_t S_golden_message_port(mach_port_t server, mach_port_t *port)
{
	(void)server;
	*port = message_port;
	return KERN_SUCCESS;
}

kern_return_t S_golden_note_count(mach_port_t server, int *notes, int *handles)
{
	(void)server;
	*notes = (int)golden_notes;
	*handles = (int)golden_handles;
	return KERN_SUCCESS;
}

/* What every Mach server did before there was a library for it. */
static void *serve_messages(void *unused)
{
	const mach_msg_size_t size =
		golden_subsystem.max_request_size + golden_subsystem.max_reply_size + MAX_TRAILER_SIZE;
	mach_msg_header_t *in = malloc(size), *out = malloc(size);

	(void)unused;
	while (mach_msg(in, MACH_RCV_MSG, 0, size, message_set, 0, MACH_PORT_NULL) == MACH_MSG_SUCCESS) {
		if (!golden_server(in, out)) {
			in->msgh_remote_port = MACH_PORT_NULL;
			mach_msg_destroy(in);
		}
		if (out->msgh_remote_port != MACH_PORT_NULL &&
			mach_msg(out, MACH_SEND_MSG, out->msgh_size, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL) !=
				MACH_MSG_SUCCESS)
			mach_msg_destroy(out);
	}
	printf("FAIL golden between tasks: the loop of mach_msg ended\n");
	return NULL;
}

int golden_serve(mach_port_t bootstrap)
{
	static const struct mig_subsystem *const subsystems[] = {&golden_subsystem, &golden_state_subsystem, NULL};
	mach_port_t port, set = MACH_PORT_NULL;
	pthread_t thread;

	if (bootstrap_check_in(bootstrap, "golden", &port) != KERN_SUCCESS)
		return 1;
	golden_kept = lb_port(NULL, 0);
	golden_kept_send = lb_send_right(golden_kept);
	mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &set);
	mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &message_set);
	object_port = lb_port(NULL, OBJECT_PAYLOAD + 99);
	message_port = lb_port(NULL, 0);
	message_object_port = lb_port(NULL, OBJECT_PAYLOAD + 99);
	if (mach_port_move_member(mach_task_self(), port, set) != KERN_SUCCESS ||
		mach_port_move_member(mach_task_self(), object_port, set) != KERN_SUCCESS ||
		mach_port_move_member(mach_task_self(), message_port, message_set) != KERN_SUCCESS ||
		mach_port_move_member(mach_task_self(), message_object_port, message_set) != KERN_SUCCESS ||
		pthread_create(&thread, NULL, serve_messages, NULL) != 0)
		return 1;
	mach_server_run(set, subsystems);
	printf("FAIL golden between tasks: the server loop ended\n");
	return 1;
}
