/* The tests of libmach, bootstrap and the disk, as a program that bootstrap starts; the same program is the servers
 * that die. */
#include "tests.h"

#include <string.h>

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "serve") == 0)
		return serve(argv[2]);
	if (argc == 2 && strcmp(argv[1], "end") == 0)
		return 1;
	while (argc == 2 && strcmp(argv[1], "sleep") == 0)
		thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, 1000000);
	test_libc();
	test_bootstrap();
	test_disk();
	printf("server tests: %d failed\nserver tests: end\n", failures);
	power_off();
	return failures != 0;
}
