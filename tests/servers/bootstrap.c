/* Names, and servers that die. */
#include "tests.h"

#include <mach/keep.h>
#include <mach/server.h>
#include <servers/block_server.h>
#include <servers/block_user.h>
#include <servers/bootstrap_user.h>

#include <stdlib.h>

static mach_port_t bootstrap_port(void)
{
	static mach_port_t port;

	if (port == MACH_PORT_NULL)
		task_get_special_port(mach_task_self(), TASK_BOOTSTRAP_PORT, &port);
	return port;
}

/* --- The server that dies. */

#define EXTRA 0x1234567890abcdefull /* payload of the port that outlives it */

static uint64_t instance;
static uint64_t *instances; /* how many there were: in memory that outlives them */
static mach_port_t set, extra;

kern_return_t S_block_info(mach_port_t device, uint64_t *size, uint64_t *block_size)
{
	(void)device;
	*size = mach_request_payload() == EXTRA ? *instances : instance;
	*block_size = 7;
	return KERN_SUCCESS;
}

kern_return_t S_block_flush(mach_port_t device)
{
	/* A mistake as a server would make one; it never answers. */
	volatile int *volatile nowhere = (volatile int *)8;

	(void)device;
	*nowhere = 0;
	return KERN_SUCCESS;
}

kern_return_t S_block_open(mach_port_t disk, const char *name, mach_port_t *device)
{
	(void)disk;
	(void)name;
	(void)device;
	return MIG_EOPNOTSUPP;
}

kern_return_t S_block_read(
	mach_port_t device, uint64_t offset, uint64_t size, pointer_t *data, mach_msg_type_number_t *count)
{
	(void)device;
	(void)offset;
	(void)size;
	(void)data;
	(void)count;
	return MIG_EOPNOTSUPP;
}

kern_return_t S_block_write(mach_port_t device, uint64_t offset, pointer_t data, mach_msg_type_number_t count)
{
	(void)device;
	(void)offset;
	(void)data;
	(void)count;
	return MIG_EOPNOTSUPP;
}

/* Not an object of memory: the port that outlives its server. */
kern_return_t S_block_memory_object(mach_port_t device, mach_port_t *object)
{
	(void)device;
	*object = extra;
	return mach_port_insert_right(mach_task_self(), extra, extra, MACH_MSG_TYPE_MAKE_SEND);
}

static kern_return_t find_extra(void)
{
	uint64_t payload = EXTRA;
	kern_return_t result = mach_kept_port(&extra, &payload);

	if (result == KERN_INVALID_NAME)
		result = mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &extra);
	if (result == KERN_SUCCESS && payload == EXTRA)
		result = mach_port_set_protected_payload(mach_task_self(), extra, payload);
	if (result == KERN_SUCCESS)
		result = mach_port_move_member(mach_task_self(), extra, set);
	return result == KERN_SUCCESS ? mach_keep_port(extra) : result;
}

int serve(const char *service)
{
	static const struct mig_subsystem *const subsystems[] = {&block_subsystem, NULL};
	boolean_t old;
	mach_port_t port;

	instance = mach_clock_monotonic();
	if (mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &set) != KERN_SUCCESS ||
		find_extra() != KERN_SUCCESS ||
		mach_keep_memory("instances", sizeof *instances, (void **)&instances, &old) != KERN_SUCCESS ||
		old != (*instances != 0))
		return 1;
	++*instances;
	if (bootstrap_check_in(bootstrap_port(), service, &port) != KERN_SUCCESS ||
		mach_port_move_member(mach_task_self(), port, set) != KERN_SUCCESS)
		return 1;
	mach_server_run(set, subsystems);
	return 1;
}

/* --- The tests. */

static void names(void)
{
	mach_port_t found, own = new_port();

	check_is("a name that nobody has is refused", bootstrap_look_up(bootstrap_port(), "nobody", &found),
		KERN_INVALID_NAME);
	check_is("a service that the configuration does not let one have is refused",
		bootstrap_look_up(bootstrap_port(), "victim", &found), KERN_NO_ACCESS);
	check_is("so is a name that one may not register", bootstrap_register(bootstrap_port(), "yours", own),
		KERN_NO_ACCESS);
	check_is("and the end of a server, host privilege or not", bootstrap_terminate(bootstrap_port(), "victim"),
		KERN_NO_ACCESS);
	check_is("the service of a server that cannot start is dead",
		bootstrap_look_up(bootstrap_port(), "absent", &found), KERN_TERMINATED);
	check_is("so is that of one that ends whenever it is started",
		bootstrap_look_up(bootstrap_port(), "doomed", &found), KERN_TERMINATED);
	check_is("a service is checked in by its own server only", bootstrap_check_in(bootstrap_port(), "disk", &found),
		KERN_INVALID_NAME);
	check_is("a name of one's own is registered", bootstrap_register(bootstrap_port(), "mine", own), KERN_SUCCESS);
	check("and found again, as the same port",
		bootstrap_look_up(bootstrap_port(), "mine", &found) == KERN_SUCCESS && found == own);
	mach_port_deallocate(mach_task_self(), found);
	check_is("the name of a configured service is not for others",
		bootstrap_register(bootstrap_port(), "disk", own), KERN_NAME_EXISTS);
}

static void deaths(void)
{
	mach_port_t phoenix, mortal, other = MACH_PORT_NULL;
	uint64_t before = 0;
	uint64_t first = 0, second = 0, unit = 0;
	kern_return_t result;

	check_is("a server's service is found once it has checked in",
		bootstrap_look_up(bootstrap_port(), "phoenix", &phoenix), KERN_SUCCESS);
	check("and answers", block_info(phoenix, &first, &unit) == KERN_SUCCESS && unit == 7);
	check_is("a port that outlives its server is handed out", block_memory_object(phoenix, &other), KERN_SUCCESS);
	check("and answers, from memory that outlives it", block_info(other, &before, &unit) == KERN_SUCCESS);
	check_is("a call whose server dies ends", block_flush(phoenix), MIG_SERVER_DIED);
	check_is("the next call waits for the new instance", block_info(phoenix, &second, &unit), KERN_SUCCESS);
	check("which is another one, behind the same right", second > first);
	check("the other port is served by it, and it has the memory of the one before",
		block_info(other, &second, &unit) == KERN_SUCCESS && second == before + 1);
	check_is("it dies a second time", block_flush(phoenix), MIG_SERVER_DIED);
	check("and comes again", block_info(phoenix, &second, &unit) == KERN_SUCCESS && second > first);
	check("with the other port", block_info(other, &second, &unit) == KERN_SUCCESS && second == before + 2);

	check_is("a service of a server without restart", bootstrap_look_up(bootstrap_port(), "mortal", &mortal),
		KERN_SUCCESS);
	block_info(mortal, &first, &unit);
	check_is("dies with it", block_flush(mortal), MIG_SERVER_DIED);
	result = block_info(mortal, &first, &unit);
	check_is("its port is dead for clients", result, MACH_SEND_INVALID_DEST);
	/* Bootstrap hears of the death by a message: until then the name leads to the dead port. */
	for (int tries = 0; tries < 100; tries++) {
		result = bootstrap_look_up(bootstrap_port(), "mortal", &mortal);
		if (result != KERN_SUCCESS)
			break;
		thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, 10);
	}
	check_is("and its name is", result, KERN_TERMINATED);
}

void test_bootstrap(void)
{
	printf("group: bootstrap\n");
	names();
	deaths();
}
