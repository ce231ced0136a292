/* Runs the conformance tests, then powers the machine off. */
#include "cases.h"

mach_port_t self, host, host_priv;

int main(void)
{
	mach_msg_type_name_t disposition;

	self = mach_task_self();
	host = mach_host_self();
	portolan_mach_ports_lookup(self, REGISTERED_HOST_PRIV, &host_priv, &disposition);
	test_ports_of_mach();
	test_messages_of_mach();
	test_tasks_of_mach();
	test_states_of_mach();
	test_memory_of_mach();
	test_times_of_mach();
	test_exceptions_of_mach();
	test_semaphores_of_mach();
	printf("kernel tests: %d failed\nkernel tests: end\n", failures);
	power_off();
	return failures != 0;
}
