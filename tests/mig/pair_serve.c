/* The server of a pair: one port served by mach_server_run, one by a loop that knows mach_msg only. */
#include "pair.h"

#include "pair_state_server.h"

#include <mach/register.h>
#include <mach/server.h>
#include <pthread.h>
#include <servers/bootstrap_user.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__thread mach_port_t pair_set;
static mach_port_t message_port, object_port, message_object_port, message_set;

kern_return_t S_pair_usage(mach_port_t port, int *names, int *references, int64_t *bytes)
{
	(void)port;
	*names = (int)lb_rights();
	*references = (int)lb_references();
	*bytes = (int64_t)lb_memory();
	return KERN_SUCCESS;
}

kern_return_t S_pair_told(mach_port_t port, char *told, mach_msg_type_number_t *toldCnt)
{
	(void)port;
	if (*toldCnt < calls_told_size)
		return KERN_NO_SPACE;
	memcpy(told, calls_told, calls_told_size);
	*toldCnt = (mach_msg_type_number_t)calls_told_size;
	return KERN_SUCCESS;
}

kern_return_t S_pair_in_server(mach_port_t port, int what)
{
	(void)port;
	calls_in_server(what);
	return KERN_SUCCESS;
}

kern_return_t S_pair_ports(mach_port_t port, mach_port_t *messages, mach_port_t *object, mach_port_t *message_object)
{
	(void)port;
	*messages = message_port;
	*object = object_port;
	*message_object = message_object_port;
	return KERN_SUCCESS;
}

kern_return_t S_pair_by_registers(mach_port_t port, int *registers)
{
	(void)port;
	*registers = mach_buffered_reply_ == MACH_PORT_NULL;
	return KERN_SUCCESS;
}

kern_return_t S_pair_task(mach_port_t port, mach_port_t *task)
{
	(void)port;
	*task = mach_task_self();
	return KERN_SUCCESS;
}

/* What every Mach server did before there was a library for it. */
static void *serve_messages(void *unused)
{
	mach_msg_size_t size = PAIR_SUBSYSTEM.max_request_size > PAIR_SUBSYSTEM.max_reply_size
				       ? PAIR_SUBSYSTEM.max_request_size
				       : PAIR_SUBSYSTEM.max_reply_size;
	mach_msg_header_t *in, *out;

	(void)unused;
	pair_set = message_set;
	size += 1024 + MAX_TRAILER_SIZE;
	in = malloc(size);
	out = malloc(size);
	while (mach_msg(in, MACH_RCV_MSG | MACH_RCV_TRAILER_AUDIT, 0, size, message_set, 0, MACH_PORT_NULL) ==
		MACH_MSG_SUCCESS) {
		if (!PAIR_SERVER(in, out) && !pair_state_server(in, out)) {
			in->msgh_remote_port = MACH_PORT_NULL;
			mach_msg_destroy(in);
		}
		if (out->msgh_remote_port != MACH_PORT_NULL &&
			mach_msg(out, MACH_SEND_MSG, out->msgh_size, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL) !=
				MACH_MSG_SUCCESS)
			mach_msg_destroy(out);
	}
	printf("FAIL " PAIR_NAME " between tasks: the loop of mach_msg ended\n");
	return NULL;
}

int pair_serve(mach_port_t bootstrap)
{
	static const struct mig_subsystem *const subsystems[] = {&PAIR_SUBSYSTEM, &pair_state_subsystem, NULL};
	mach_port_t port, set = MACH_PORT_NULL;
	pthread_t thread;

	if (bootstrap_check_in(bootstrap, PAIR_NAME, &port) != KERN_SUCCESS)
		return 1;
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
	pair_set = set;
	mach_server_run(set, subsystems);
	printf("FAIL " PAIR_NAME " between tasks: the server loop ended\n");
	return 1;
}
