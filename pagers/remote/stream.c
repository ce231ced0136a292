/* A channel as a stream: see stream.h. A driver that dies is one whose connections are over. */
#include "stream.h"

#include <errno.h>
#include <mach/mach.h>
#include <servers/bootstrap_user.h>
#include <servers/channel_user.h>
#include <string.h>
#include <time.h>

static mach_port_t service;
static device_name_t channel;
static uint64_t connection;

static int errno_of(kern_return_t result)
{
	switch (result) {
	case KERN_SUCCESS:
		return 0;
	case KERN_TIMEDOUT:
		return ETIMEDOUT;
	case KERN_INVALID_NAME:
		return ENOENT;
	default:
		return ENOTCONN;
	}
}

int stream_open(const char *name)
{
	mach_port_t bootstrap;
	kern_return_t result;

	if (strlen(name) >= sizeof(channel))
		return EINVAL;
	strcpy(channel, name);
	result = task_get_special_port(mach_task_self(), TASK_BOOTSTRAP_PORT, &bootstrap);
	if (result == KERN_SUCCESS) {
		result = bootstrap_look_up(bootstrap, "channel", &service);
		mach_port_deallocate(mach_task_self(), bootstrap);
	}
	return errno_of(result);
}

static int connect_stream(unsigned timeout, bool *fresh)
{
	boolean_t is_fresh = FALSE;
	kern_return_t result = channel_connect(service, channel, connection, timeout, &connection, &is_fresh);

	*fresh = is_fresh;
	return errno_of(result);
}

static int send_stream(const void *data, size_t length, unsigned timeout)
{
	return errno_of(
		channel_send(service, connection, (pointer_t)(uintptr_t)data, (mach_msg_type_number_t)length, timeout));
}

static int receive_stream(void *data, size_t most, unsigned timeout, size_t *got)
{
	mach_msg_type_number_t count = 0;
	pointer_t pages;
	kern_return_t result = channel_receive(service, connection, most, timeout, &pages, &count);

	*got = 0;
	if (result != KERN_SUCCESS)
		return errno_of(result);
	if (count <= most) {
		memcpy(data, (const void *)pages, count);
		*got = count;
	}
	vm_deallocate(mach_task_self(), pages, count);
	return *got ? 0 : ENOTCONN;
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

const struct nbd_stream stream = {
	.connect = connect_stream, .send = send_stream, .receive = receive_stream, .now = now};
