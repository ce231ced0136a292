/* The kernel-interface tests: a boot module started by bootstrap; runs every group, then powers the machine off. */
#include "test.h"

int main(void)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} groups[] = {
		{"ports", test_ports},
		{"messages", test_messages},
		{"registers", test_registers},
		{"memory", test_memory},
		{"pager", test_pager},
		{"tasks", test_tasks},
		{"accounts", test_accounts},
		{"foreign", test_foreign},
		{"registers set in a call", test_set_in_call},
		{"dropped replies", test_dropped_reply},
		{"ends in calls", test_ended_in_call},
		{"authority", test_authority},
		{"lifetimes", test_lifetimes},
		{"machine", test_machine},
		{"bad input", test_bad_input},
		{"words", test_words},
		{"leaks", test_leaks},
		{"tokens", test_tokens},
		{"server loop", test_server_loop},
		{"giving back", test_giving_back},
		{"fuzz", test_fuzz},
	};

	for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
		printf("group: %s\n", groups[i].name);
		groups[i].run();
	}
	printf("kernel tests: %d failed\nkernel tests: end\n", failures);
	power_off();
	return failures != 0;
}
