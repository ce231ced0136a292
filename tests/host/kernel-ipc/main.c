/* Message passing on the build host. */
#include "calls.h"
#include "world.h"

int main(void)
{
	world_start();
	test_queues();
	test_rights();
	test_foreign();
	test_deaths();
	test_priorities();
	test_sent_by_interrupts();
	test_messages();
	test_handed();
	test_failures();
	test_interrupts();
	test_calls();
	return host_result();
}
