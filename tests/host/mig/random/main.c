/* Calls a random interface many times, over both paths and through its own dispatcher, and counts what is wrong. */
#include "values.h"

unsigned round_number;
unsigned wrong;
mach_port_t known_port, known_right, server;

/* Errors of procedures before an error statement. */
void MsgError(kern_return_t error);

void MsgError(kern_return_t error)
{
	last_error = error;
}

void an_error(kern_return_t error)
{
	last_error = error;
}

void another_error(kern_return_t error)
{
	last_error = error;
}

/* Of the interface, for programs that are two tasks. */
kern_return_t set_round(mach_port_t port, int number);
kern_return_t s_set_round(mach_port_t port, int number);
kern_return_t s_get_state(mach_port_t port, int *wrong_values, int *rights);

kern_return_t s_set_round(mach_port_t port, int number)
{
	(void)port;
	return number == (int)round_number ? KERN_SUCCESS : KERN_FAILURE;
}

kern_return_t s_get_state(mach_port_t port, int *wrong_values, int *rights)
{
	(void)port;
	*wrong_values = (int)wrong;
	*rights = (int)lb_rights();
	return KERN_SUCCESS;
}

int main(int argc, char **argv)
{
	enum { ROUNDS = 30, MODES = 3 };
	static const char *const modes[MODES] = {"by registers", "by message", "its own dispatcher"};
	unsigned all = 0;

	server = lb_send_right(lb_port(random_table, 0));
	known_port = lb_port(NULL, 0);
	known_right = lb_send_right(known_port);
	mig_get_reply_port();
	for (int mode = 0; mode < MODES; mode++) {
		lb_force_messages = mode >= 1;
		lb_demux = mode == 2 ? random_dispatcher : NULL;
		wrong = 0;
		lb_dirty_bytes = 0;
		for (round_number = 0; round_number < ROUNDS; round_number++) {
			expect(set_round(server, (int)round_number) == KERN_SUCCESS, 0, 0, "round");
			call_all();
		}
		expect(lb_dirty_bytes == 0, 0, 0, "bytes that nobody wrote");
		printf("%s mig random interface %s, %s\n", wrong == 0 ? "PASS" : "FAIL", argc > 1 ? argv[1] : "",
			modes[mode]);
		all += wrong;
	}
	return all != 0;
}
