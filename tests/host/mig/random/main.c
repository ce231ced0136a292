/* Calls a random interface many times, over both paths, and counts what is wrong. */
#include "random_server.h"
#include "random_user.h"
#include "values.h"

void call_all(void);

unsigned round_number;
unsigned wrong;
mach_port_t known_port;
mach_port_t known_right, server;

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
	enum { ROUNDS = 20 };
	unsigned rights, regions, all = 0;

	server = lb_send_right(lb_port(&random_subsystem, 0));
	known_port = lb_port(NULL, 0);
	known_right = lb_send_right(known_port);
	mig_get_reply_port();
	for (int mode = 0; mode < 2; mode++) {
		lb_force_messages = mode == 1;
		rights = lb_rights();
		regions = lb_regions();
		wrong = 0;
		lb_dirty_bytes = 0;
		for (round_number = 0; round_number < ROUNDS; round_number++) {
			expect(set_round(server, (int)round_number) == KERN_SUCCESS, 0, 0, "round");
			call_all();
		}
		expect(lb_rights() == rights, 0, 0, "rights left over");
		expect(lb_regions() == regions, 0, 0, "memory left over");
		expect(lb_dirty_bytes == 0, 0, 0, "bytes that nobody wrote");
		printf("%s mig random interface %s, %s\n", wrong == 0 ? "PASS" : "FAIL", argc > 1 ? argv[1] : "",
			mode == 1 ? "by message" : "by registers");
		all += wrong;
	}
	return all != 0;
}
