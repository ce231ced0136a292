/* Names, and servers that die. */
#include "tests.h"

#include <mach/keep.h>
#include <mach/server.h>
#include <servers/block_server.h>
#include <servers/block_user.h>
#include <servers/bootstrap_user.h>

#include <stdlib.h>
#include <string.h>

static mach_port_t bootstrap_port(void)
{
	static mach_port_t port;

	if (port == MACH_PORT_NULL)
		task_get_special_port(mach_task_self(), TASK_BOOTSTRAP_PORT, &port);
	return port;
}

/* --- Look-ups that wait. */

enum { LOOK_UPS = 32, MANY = 500 };

/* A request whose answer comes to the port. */
static mach_msg_return_t look_up_silent(mach_port_t reply)
{
	struct {
		NDR_record_t ndr;
		mach_msg_type_number_t count;
		char name[12];
	} body = {.ndr = NDR_record, .count = sizeof "silent", .name = "silent"};
	uint64_t word[sizeof body / 8];

	memcpy(word, &body, sizeof body);
	return send_words(bootstrap_port(), reply, MIG_ID_bootstrap_look_up, word, sizeof word / 8, 0, MACH_MSG_TIMEOUT_NONE);
}

/* How many answers with this result are there. */
static unsigned answers(mach_port_t port, kern_return_t result, mach_msg_timeout_t patience)
{
	union {
		mig_reply_error_t error;
		char bytes[256];
	} answer;
	unsigned count = 0;

	while (mach_msg(&answer.error.Head, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof answer, port, patience, MACH_PORT_NULL) ==
		MACH_MSG_SUCCESS)
		count += answer.error.Head.msgh_id == MIG_ID_bootstrap_look_up + 100 && answer.error.RetCode == result;
	return count;
}

/* Whether of MANY look-ups so many wait for an answer on the port, and the others are refused. */
static bool look_ups_wait(mach_port_t port, unsigned many)
{
	mach_port_t found;

	for (unsigned i = 0; i < MANY; i++)
		if (look_up_silent(port) != MACH_MSG_SUCCESS)
			return false;
	/* One after the other: when this one has its answer the others have theirs. */
	return bootstrap_look_up(bootstrap_port(), "", &found) == KERN_NO_ACCESS &&
	       answers(port, KERN_RESOURCE_SHORTAGE, 0) == MANY - many;
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
	if (strcmp(service, "phoenix") == 0 && !look_ups_wait(new_port(), LOOK_UPS))
		return 1;
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

static void look_ups(void)
{
	mach_port_t port = new_port(), found;

	check("so many look-ups of a server's service that is not there yet wait, the others are refused", look_ups_wait(port, LOOK_UPS));
	check_is("others' services are found meanwhile", bootstrap_look_up(bootstrap_port(), "disk", &found), KERN_SUCCESS);
	check_is("the server that they wait for is ended", bootstrap_terminate(bootstrap_port(), "silent"), KERN_SUCCESS);
	check_is("and each of them hears of it", answers(port, KERN_TERMINATED, 1000), LOOK_UPS);
	free_port(port);
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

/*
 * Requests at random, when all is as it will stay: what each must say follows from the configuration's line alone, and what is
 * refused changes nothing.
 */
static void composed(void)
{
	enum { STEPS = 2000, OTHERS = 3 };
	/* looks-up= and what there is of it; all others are as if they were not there, whether they are or not. */
	static const struct {
		const char *name;
		kern_return_t look_up, registered;
	} services[] = {{"nobody", KERN_INVALID_NAME, KERN_NO_ACCESS}, {"absent", KERN_TERMINATED, KERN_NO_ACCESS},
		{"doomed", KERN_TERMINATED, KERN_NO_ACCESS}, {"mortal", KERN_TERMINATED, KERN_NO_ACCESS}, {"silent", KERN_TERMINATED, KERN_NO_ACCESS},
		{"disk", KERN_SUCCESS, KERN_NAME_EXISTS}, {"phoenix", KERN_SUCCESS, KERN_NO_ACCESS}, {"mine", KERN_SUCCESS, KERN_SUCCESS},
		{"victim", KERN_NO_ACCESS, KERN_NO_ACCESS}, {"server-tests", KERN_NO_ACCESS, KERN_NO_ACCESS},
		{"", KERN_NO_ACCESS, KERN_NO_ACCESS}, {"dis", KERN_NO_ACCESS, KERN_NO_ACCESS}, {"disk ", KERN_NO_ACCESS, KERN_NO_ACCESS},
		{"disk,phoenix", KERN_NO_ACCESS, KERN_NO_ACCESS}, {"Mine", KERN_NO_ACCESS, KERN_NO_ACCESS},
		{"a-name-that-is-as-long-as-one-of-a-service-can-be-and-is-no-one", KERN_NO_ACCESS, KERN_NO_ACCESS}};
	mach_port_t port[sizeof services / sizeof *services] = {0}, other[OTHERS], mine = MACH_PORT_NULL;
	unsigned state = 1, wrong[4] = {0};
	uint64_t payload;

	for (unsigned i = 0; i < OTHERS; i++)
		other[i] = new_port();
	for (unsigned step = 0; step < STEPS; step++) {
		unsigned choice, i, kind;
		mach_port_t found = MACH_PORT_NULL;
		kern_return_t result;

		state = state * 1103515245u + 12345u; /* ISO C 6.5.2, rand */
		choice = state >> 16;
		i = choice % (sizeof services / sizeof *services);
		kind = choice / 64 % 8;
		if (kind < 4) {
			result = bootstrap_look_up(bootstrap_port(), services[i].name, &found);
			if (strcmp(services[i].name, "mine") == 0)
				port[i] = mine != MACH_PORT_NULL ? mine : found;
			port[i] = port[i] != MACH_PORT_NULL ? port[i] : found;
			wrong[0] += result != services[i].look_up || (result == KERN_SUCCESS ? found != port[i] : found != MACH_PORT_NULL);
		} else if (kind == 4) {
			const unsigned which = choice / 512 % (OTHERS + 1);

			/* Null is a port for nobody, whoever asks. */
			result = bootstrap_register(bootstrap_port(), services[i].name, which < OTHERS ? other[which] : MACH_PORT_NULL);
			wrong[1] += result != (which == OTHERS && services[i].registered != KERN_NO_ACCESS ? KERN_INVALID_ARGUMENT
													  : services[i].registered);
			if (result == KERN_SUCCESS)
				mine = other[which];
		} else if (kind == 5) {
			wrong[2] += bootstrap_check_in(bootstrap_port(), services[i].name, &found) != KERN_INVALID_NAME;
		} else if (kind == 6) {
			/* It runs no more. */
			result = strcmp(services[i].name, "silent") == 0 ? KERN_INVALID_NAME : KERN_NO_ACCESS;
			wrong[2] += bootstrap_terminate(bootstrap_port(), services[i].name) != result;
		} else {
			wrong[3] += bootstrap_kept(bootstrap_port(), services[i].name, &found) != KERN_INVALID_NAME;
			wrong[3] += bootstrap_kept_port(bootstrap_port(), &found, &payload) != KERN_INVALID_NAME;
		}
	}
	check_is("whatever is asked in whatever order, one finds what one's line grants, always the same port, and nothing else", wrong[0], 0);
	check_is("and registers what it grants", wrong[1], 0);
	check_is("and neither checks in what is another's nor ends anybody", wrong[2], 0);
	check_is("nor gets what others have kept", wrong[3], 0);
}

void test_bootstrap(void)
{
	printf("group: bootstrap\n");
	names();
	deaths();
	look_ups();
	composed();
}
