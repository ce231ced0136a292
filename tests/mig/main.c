/*
 * Every kind of argument between two tasks, by registers and by message: a random interface (tests/host/mig/random),
 * called by one task and served by another. "serve" makes it the server.
 */
#include "loopback.h"

#include "random_server.h"
#include "random_user.h"
#include "values.h"

#include <mach/server.h>
#include <servers/bootstrap_user.h>

enum { ROUNDS = 5 };

unsigned round_number;
unsigned wrong;
mach_port_t known_port, known_right, server;
int force_messages;

void an_error(kern_return_t error)
{
	last_error = error;
}

void another_error(kern_return_t error)
{
	last_error = error;
}

/* Errors of procedures before an error statement. */
void MsgError(kern_return_t error);

void MsgError(kern_return_t error)
{
	last_error = error;
}

kern_return_t s_set_round(mach_port_t port, int number)
{
	(void)port;
	round_number = (unsigned)number;
	return KERN_SUCCESS;
}

kern_return_t s_get_state(mach_port_t port, int *wrong_values, int *rights)
{
	(void)port;
	*wrong_values = (int)wrong;
	*rights = (int)lb_rights();
	return KERN_SUCCESS;
}

static mach_port_t bootstrap_port(void)
{
	mach_port_t port = MACH_PORT_NULL;

	task_get_special_port(mach_task_self(), TASK_BOOTSTRAP_PORT, &port);
	return port;
}

static int serve(void)
{
	static const struct mig_subsystem *const subsystems[] = {&random_subsystem, NULL};
	mach_port_t port;

	if (bootstrap_check_in(bootstrap_port(), "random", &port) != KERN_SUCCESS)
		return 1;
	mach_server_run(port, subsystems);
	return 1;
}

static void report(bool good, const char *what)
{
	printf("%s mig between tasks: %s, %s\n", good ? "PASS" : "FAIL", what,
		force_messages ? "by message" : "by registers");
}

/* All routines, ROUNDS times; after the first round neither task may have more names than before. */
static void run(void)
{
	int server_wrong = -1, before = 0, after = -1;
	unsigned own = 0;

	wrong = 0;
	for (round_number = 0; round_number < ROUNDS; round_number++) {
		if (set_round(server, (int)round_number) != KERN_SUCCESS)
			expect(0, 0, 0, "set_round");
		call_all();
		if (round_number == 0) {
			own = lb_rights();
			get_state(server, &server_wrong, &before);
		}
	}
	report(wrong == 0, "every answer as expected");
	report(get_state(server, &server_wrong, &after) == KERN_SUCCESS && server_wrong == 0,
		"every argument as expected");
	report(lb_rights() == own, "no right left with the client");
	report(after == before, "no right left with the server");
}

int main(int argc, char **argv)
{
	if (mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &known_port) != KERN_SUCCESS)
		return 1;
	known_right = lb_send_right(known_port);
	if (argc > 1 && strcmp(argv[1], "serve") == 0)
		return serve();
	if (bootstrap_look_up(bootstrap_port(), "random", &server) != KERN_SUCCESS)
		printf("FAIL mig between tasks: no server\n");
	run();
	force_messages = 1;
	run();
	printf("mig tests: end\n");
	lb_power_off();
	return 0;
}
