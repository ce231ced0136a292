/* The kernel-interface tests: a boot module started by bootstrap; runs every group, or those that its arguments name
 * (with _ for blanks), then powers the machine off. */
#include "test.h"

static bool is_named(const char *name, char *const *arguments)
{
	for (; *arguments != NULL; arguments++) {
		size_t i = 0;

		while (name[i] != '\0' && (*arguments)[i] == (name[i] == ' ' ? '_' : name[i]))
			i++;
		if (name[i] == (*arguments)[i])
			return true;
	}
	return false;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} groups[] = {
		{"ports", test_ports},
		{"messages", test_messages},
		{"registers", test_registers},
		{"memory", test_memory},
		{"sized memory", test_sized_memory},
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
		{"binding", test_binding},
		{"races", test_races},
		{"fuzz", test_fuzz},
	};

	for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
		if (argc > 1 && !is_named(groups[i].name, argv + 1))
			continue;
		printf("group: %s\n", groups[i].name);
		groups[i].run();
	}
	printf("kernel tests: %d failed\nkernel tests: end\n", failures);
	power_off();
	return failures != 0;
}
