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
void call_all(void);

kern_return_t call_by_message(mach_port_t port, mach_msg_id_t id, uint64_t word[8], uint32_t count)
{
	struct {
		mach_msg_header_t head;
		uint64_t word[8];
		mach_msg_trailer_t trailer;
	} message;
	mach_msg_return_t result;

	memset(&message, 0, sizeof message);
	message.head.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE);
	message.head.msgh_size = 24 + 8 * count;
	message.head.msgh_remote_port = port;
	message.head.msgh_local_port = mig_get_reply_port();
	message.head.msgh_id = id;
	memcpy(message.word, word, 64);
	result = mach_msg(&message.head, MACH_SEND_MSG | MACH_RCV_MSG, message.head.msgh_size, sizeof message,
		message.head.msgh_local_port, MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
	if (result != MACH_MSG_SUCCESS)
		return result;
	expect(message.head.msgh_id == id + 100, 0, 0, "id of a register reply in a message");
	memset(word, 0, 64);
	memcpy(word, message.word, message.head.msgh_size - 24);
	return KERN_SUCCESS;
}

unsigned lb_object(mach_port_t name)
{
	mach_port_type_t type = 0;

	return mach_port_type(mach_task_self(), name, &type) == KERN_SUCCESS &&
	       (type & (MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_SEND_ONCE | MACH_PORT_TYPE_RECEIVE)) != 0;
}

mach_port_t lb_send_right(mach_port_t receive)
{
	mach_port_insert_right(mach_task_self(), receive, receive, MACH_MSG_TYPE_MAKE_SEND);
	return receive;
}

unsigned lb_rights(void)
{
	mach_port_name_array_t names;
	mach_port_type_array_t types;
	mach_msg_type_number_t count, type_count;

	if (mach_port_names(mach_task_self(), &names, &count, &types, &type_count) != KERN_SUCCESS)
		return 0;
	mig_deallocate((vm_address_t)names, count * sizeof *names);
	mig_deallocate((vm_address_t)types, type_count * sizeof *types);
	return count;
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

static void power_off(void)
{
	mach_port_t host_priv = MACH_PORT_NULL;
	mach_msg_type_name_t poly;

	fflush(stdout);
	mach_ports_lookup(mach_task_self(), REGISTERED_HOST_PRIV, &host_priv, &poly);
	host_reboot(host_priv, HOST_REBOOT_HALT);
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
	power_off();
	return 0;
}
