/* swapon, swapoff: the default pager is asked by a thread of its own, for it answers when all that was out is in memory. */
#include "memory/swap.h"

#include <errno.h>
#include <mach/mach.h>
#include <servers/bootstrap_user.h>
#include <servers/swap_user.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "call/call.h"
#include "call/dispatch.h"
#include "call/fiber.h"
#include "memory/accounts.h"
#include "process/proc.h"
#include "unix_server.h"

/* A request, which the thread frees when nobody waits for it any more. */
struct request {
	struct list link; /* of those that no thread has taken */
	struct fiber *fiber;
	device_name_t device;
	bool on, done;
	kern_return_t result;
};

static struct list requests = LIST_INITIALIZER(requests);
static mach_port_t service; /* null: there is no default pager */

void swap_start(void)
{
	mach_port_t bootstrap;

	if (task_get_special_port(mach_task_self(), TASK_BOOTSTRAP_PORT, &bootstrap) != KERN_SUCCESS)
		return;
	if (bootstrap_look_up(bootstrap, "swap", &service) != KERN_SUCCESS)
		service = MACH_PORT_NULL;
	mach_port_deallocate(mach_task_self(), bootstrap);
}

bool swap_area(unsigned index, struct swap_area *out)
{
	uint64_t pages = 0, used = 0;

	if (host_swap_info(mach_host_self(), index, &pages, &used, out->name) != KERN_SUCCESS || out->name[0] == 0)
		return false;
	/* The first page is its header's. */
	out->bytes = pages > 0 ? (pages - 1) * VM_PAGE_SIZE : 0;
	out->used = used * VM_PAGE_SIZE;
	return true;
}

uint64_t swap_bytes(uint64_t *used)
{
	struct swap_area area;
	uint64_t bytes = 0;

	*used = 0;
	for (unsigned i = 0; i < SWAP_AREAS_MAX; i++)
		if (swap_area(i, &area)) {
			bytes += area.bytes;
			*used += area.used;
		}
	return bytes;
}

/* --- The calls. */

static void *thread(void *argument)
{
	struct request *request;
	kern_return_t result;

	(void)argument;
	server_lock();
	request = list_entry(requests.next, struct request, link);
	list_remove(&request->link);
	server_unlock();
	result = request->on ? swap_on(service, request->device) : swap_off(service, request->device);
	server_lock();
	request->result = result;
	request->done = true;
	accounts_set_limits();
	if (request->fiber != NULL)
		fiber_wake(request->fiber);
	else
		free(request);
	server_leave();
	return NULL;
}

/* The caller has been killed. */
static void give_up(void *argument)
{
	struct request *request = argument;
	struct fiber *fiber = request->fiber;

	if (request->done)
		return;
	request->fiber = NULL;
	fiber_wake(fiber);
}

static int error_of(kern_return_t result, bool on)
{
	switch (result) {
	case KERN_SUCCESS:
		return 0;
	case KERN_INVALID_NAME:
		return on ? -ENOENT : -EINVAL;
	case KERN_INVALID_VALUE:
		return -EINVAL;
	case KERN_NAME_EXISTS:
		return -EBUSY;
	case KERN_RESOURCE_SHORTAGE:
		return -ENOMEM;
	default:
		return -EIO;
	}
}

static int64_t change(uint64_t caller, uint64_t path, bool on)
{
	struct call *call = call_of(caller);
	char name[sizeof(device_name_t) + 5];
	struct request *request;
	int error;

	if (!capable(call->process, CAP_SYS_ADMIN))
		return -EPERM;
	error = copy_string(call, name, path, sizeof name);
	if (error < 0)
		return call_result(error == -ENAMETOOLONG ? -ENOENT : error);
	if (strncmp(name, "/dev/", 5) != 0 || service == MACH_PORT_NULL)
		return on ? -ENOENT : -EINVAL;
	request = calloc(1, sizeof *request);
	if (request == NULL)
		return -ENOMEM;
	strcpy(request->device, name + 5);
	request->on = on;
	request->fiber = fiber_self();
	list_append(&requests, &request->link);
	if (!server_thread_try(thread)) {
		list_remove(&request->link);
		free(request);
		return -ENOMEM;
	}
	if (!fiber_wait(give_up, request)) {
		request->fiber = NULL;
		return -ENOMEM;
	}
	if (!request->done)
		return -EINTR; /* the thread's now */
	error = error_of(request->result, on);
	free(request);
	return error;
}

/* Priorities are not kept: areas are used in the order in which they were found. */
int64_t sys_swapon(uint64_t caller, uint64_t path, unsigned flags)
{
	(void)flags;
	return change(caller, path, true);
}

int64_t sys_swapoff(uint64_t caller, uint64_t path)
{
	return change(caller, path, false);
}
